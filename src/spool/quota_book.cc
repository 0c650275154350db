#include "spool/quota_book.hh"

#include <algorithm>
#include <chrono>
#include <thread>

#include "spool/maildir.hh"
#include "spool/maildirsize.hh"
#include "sys/clock.hh"
#include "sys/command.hh"
#include "sys/process.hh"

namespace handoff::spool {
namespace {

using namespace std::chrono_literals;

// Most mailboxes are counted in milliseconds; one on a file server that is gone, never.
constexpr auto kCountLimit = 10min;
constexpr std::size_t kMostCounts = 8;  // of one worker
constexpr auto kLook = 5ms;

}  // namespace

QuotaLimits QuotaBook::limits_of(const Mailbox& mailbox) const {
  return {mailbox.quota.size.value_or(limits_.size),
          mailbox.quota.messages.value_or(limits_.messages)};
}

// The quota is that of the whole mailbox, whichever folder a message goes to.
Result<sys::Fd> QuotaBook::open_inbox(Mailbox mailbox) {
  mailbox.folder.clear();
  return open_in(*files_, *root_, mailbox, "");
}

Result<Standing> QuotaBook::standing(const Mailbox& mailbox, std::uint64_t size, Counts counts) {
  Standing standing{limits_of(mailbox), std::nullopt, true};
  if (!standing.limits.any()) return standing;
  auto inbox = open_inbox(mailbox);
  if (!inbox && inbox.error().code == ENOENT) {
    standing.use.emplace();  // it is made with its first message
    return standing;
  }
  if (!inbox) return inbox.error();
  auto read = [&] {
    return read_maildirsize(*files_, inbox.value(), standing.limits, size, sys::Wall::now());
  };
  auto said = read();
  bool count = said && said.value().recount && counts == Counts::kIfNeeded;
  if (count && recount(mailbox, standing.limits, inbox.value())) said = read();
  if (!said) return said.error();
  standing.certain = !said.value().recount;
  standing.use = said.value().use;
  return standing;
}

// False where it takes longer than we wait, whoever counts.
bool QuotaBook::recount(const Mailbox& mailbox, const QuotaLimits& limits, const sys::Fd& inbox) {
  std::erase_if(counting_, [](const Counting& one) { return one.process.has_ended(); });
  bool under_way = std::ranges::any_of(
      counting_, [&](const Counting& one) { return one.mailbox == mailbox.name(); });
  if (under_way || counting_.size() >= kMostCounts) return false;
  // As it is open: whoever may write to it need not be able to come to it by the spool's path.
  auto started = sys::start_aside(kCountLimit, inbox, [&] {
    // Another's count is as good as ours: it is waited for, and ours is not made.
    bool waited = false;
    for (auto until = sys::Steady::now() + patience_; !sys::claim(inbox); waited = true) {
      if (sys::Steady::now() >= until) return;
      std::this_thread::sleep_for(kLook);
    }
    if (waited) return;
    auto temporary = "maildirsize." + sys::host_name() + "." + std::to_string(sys::own_pid()) +
                     "." + std::to_string(sys::random_number());
    static_cast<void>(recount_maildirsize(*files_, inbox, limits, temporary).ok());
  });
  if (!started) return false;
  // Without patience not even a count that has ended already is looked at.
  if (patience_ > 0ms && started.value().ends_by(sys::Steady::now() + patience_)) return true;
  counting_.push_back({std::move(started).value(), mailbox.name()});
  return false;
}

Status QuotaBook::check(const Standing& standing, std::uint64_t size) {
  if (!standing.use || fits(standing.limits, *standing.use, size)) return {};
  return Error{EDQUOT, standing.certain ? kOverQuota : kMaybeOverQuota, {}};
}

void QuotaBook::added(const Mailbox& mailbox, std::uint64_t size) {
  if (!limits_of(mailbox).any()) return;
  auto inbox = open_inbox(mailbox);
  if (!inbox) return;
  static_cast<void>(add_to_maildirsize(*files_, inbox.value(), size).ok());
}

void QuotaBook::uncertain(const Mailbox& mailbox) {
  if (!limits_of(mailbox).any()) return;
  auto inbox = open_inbox(mailbox);
  if (inbox) forget_maildirsize(*files_, inbox.value());
}

}  // namespace handoff::spool
