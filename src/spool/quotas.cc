#include "spool/quotas.hh"

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

// Most mailboxes are counted in milliseconds; counting one on a dead file server never ends.
constexpr auto kCountLimit = 10min;
constexpr std::size_t kMostCounts = 8;  // by one worker
constexpr auto kPoll = 5ms;

}  // namespace

QuotaLimits Quotas::limits_of(const Mailbox& mailbox) const {
  return {mailbox.quota.size.value_or(limits_.size),
          mailbox.quota.messages.value_or(limits_.messages)};
}

// The quota applies to the whole mailbox, whichever folder a message goes to.
Result<sys::Fd> Quotas::open_inbox(Mailbox mailbox) {
  mailbox.folder.clear();
  return open_in(*files_, *root_, mailbox, "");
}

Result<QuotaState> Quotas::state(const Mailbox& mailbox, std::uint64_t size, Counts counts) {
  QuotaState state{limits_of(mailbox), std::nullopt, true};
  if (!state.limits.any()) return state;
  auto inbox = open_inbox(mailbox);
  if (!inbox && inbox.error().code == ENOENT) {
    state.use.emplace();  // it will be created with its first message
    return state;
  }
  if (!inbox) return inbox.error();
  auto read = [&] {
    return read_maildirsize(*files_, inbox.value(), state.limits, size, sys::Wall::now());
  };
  auto said = read();
  bool count = said && said.value().recount && counts == Counts::kIfNeeded;
  if (count && recount(mailbox, state.limits, inbox.value())) said = read();
  if (!said) return said.error();
  state.certain = !said.value().recount;
  state.use = said.value().use;
  return state;
}

// Returns false if counting takes longer than `patience_`, in this or another process.
bool Quotas::recount(const Mailbox& mailbox, const QuotaLimits& limits, const sys::Fd& inbox) {
  std::erase_if(counting_, [](const Counting& count) { return count.process.has_ended(); });
  bool under_way = std::ranges::any_of(
      counting_, [&](const Counting& count) { return count.mailbox == mailbox.name(); });
  if (under_way || counting_.size() >= kMostCounts) return false;
  // Passes the open directory: a user who may write to it may be unable to reach it by its path.
  auto started = sys::start_aside(kCountLimit, inbox, [&] {
    // If another process is counting, waits for its result instead of counting again.
    bool waited = false;
    for (auto until = sys::Steady::now() + patience_; !sys::claim(inbox); waited = true) {
      if (sys::Steady::now() >= until) return;
      std::this_thread::sleep_for(kPoll);
    }
    if (waited) return;
    auto temporary = "maildirsize." + sys::host_name() + "." + std::to_string(sys::own_pid()) +
                     "." + std::to_string(sys::random_number());
    static_cast<void>(recount_maildirsize(*files_, inbox, limits, temporary).ok());
  });
  if (!started) return false;
  if (patience_ > 0ms && started.value().ends_by(sys::Steady::now() + patience_)) return true;
  counting_.push_back({std::move(started).value(), mailbox.name()});
  return false;
}

Status Quotas::check(const QuotaState& state, std::uint64_t size) {
  if (!state.use || fits(state.limits, *state.use, size)) return {};
  if (state.certain) return explained(EDQUOT, "over quota", {}, Reason::kOverQuota);
  return explained(EDQUOT, "over quota by a count that may be outdated", {},
                   Reason::kMaybeOverQuota);
}

void Quotas::add(const Mailbox& mailbox, std::uint64_t size) {
  if (!limits_of(mailbox).any()) return;
  auto inbox = open_inbox(mailbox);
  if (!inbox) return;
  static_cast<void>(add_to_maildirsize(*files_, inbox.value(), size).ok());
}

void Quotas::mark_uncertain(const Mailbox& mailbox) {
  if (!limits_of(mailbox).any()) return;
  auto inbox = open_inbox(mailbox);
  if (inbox) forget_maildirsize(*files_, inbox.value());
}

}  // namespace handoff::spool
