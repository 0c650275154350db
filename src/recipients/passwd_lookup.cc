// recipients.lookup = passwd: the accounts of this system (getpwnam(3)), from any source that
// nsswitch.conf names. root is not a recipient, because root reads no mail.
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "base/text.hh"
#include "recipients/kinds.hh"
#include "recipients/record.hh"
#include "recipients/server_lookup.hh"
#include "sys/account.hh"
#include "sys/confinement.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/title.hh"

namespace handoff::recipients {
namespace {

using namespace std::chrono_literals;

// A killed process ends within this time, unless it hangs in the kernel.
constexpr auto kEndPatience = 1s;
// Answers of the process that calls getpwnam(3): a user, no such user, or an errno and what failed.
constexpr char kFound = '+';
constexpr char kNobody = '-';
constexpr char kFailed = '!';

// Removes "//" and "/./", which jails and directories put into home paths. Leaves a path with ".."
// alone, because only the filesystem can resolve it.
std::string tidied(const std::string& home) {
  if (std::ranges::count(split(home, '/'), "..") > 0) return home;
  return std::filesystem::path(home).lexically_normal().string();
}

std::optional<Record> record_of(const std::optional<sys::Person>& person) {
  if (!person || person->account.uid == 0) return std::nullopt;
  Record record;
  record.home = tidied(person->home);
  record.uid = person->account.uid;
  record.gid = person->account.gid;
  return record;
}

std::string pack(const Result<std::optional<sys::Person>>& person) {
  if (!person) {
    return kFailed + std::to_string(person.error().code) + " " + person.error().what;
  }
  if (!person.value()) return {kNobody};
  const auto& [account, home] = *person.value();
  return kFound + std::to_string(account.uid) + " " + std::to_string(account.gid) + " " + home;
}

Result<std::optional<Record>> unpack(std::string_view octets, const std::string& name) {
  Error broken =
      explained(EPROTO, "the process that queries the user database sent a malformed answer", name);
  if (octets.empty()) return broken;
  auto kind = octets.front();
  octets.remove_prefix(1);
  if (kind == kNobody) return std::optional<Record>();
  auto number = [&]() -> std::optional<std::uint64_t> {
    auto end = std::min(octets.find(' '), octets.size());
    auto word = octets.substr(0, end);
    octets.remove_prefix(std::min(end + 1, octets.size()));
    return parse_number(word);
  };
  auto first = number();
  if (!first) return broken;
  // The answer concerns this user only.
  if (kind == kFailed) {
    Error said{static_cast<int>(*first), std::string(octets), name};
    return explained(EAGAIN, "the user database gave no answer: " + said.describe());
  }
  auto second = number();
  if (kind != kFound || !second) return broken;
  return record_of(sys::Person{{name, static_cast<uid_t>(*first), static_cast<gid_t>(*second)},
                               std::string(octets)});
}

// Answers questions until the other end is closed.
int answer_questions(const sys::Fd& socket) {
  sys::keep_only(std::array{&socket});
  sys::ignore_group_signals();
  for (;;) {
    auto name = sys::receive_message(socket, std::nullopt);
    if (!name || !name.value()) return EX_OK;
    auto person = sys::find_person(name.value()->octets);
    auto until = sys::Steady::now() + kEndPatience;
    if (!sys::send_message(socket, pack(person), nullptr, until)) return EX_OK;
  }
}

class WatchedPasswdLookup final : public ServerLookup {
 public:
  using ServerLookup::ServerLookup;
  ~WatchedPasswdLookup() override { WatchedPasswdLookup::disconnect(); }

 protected:
  Status connect(sys::Deadline) override {
    // If an earlier process hangs in the kernel, does not start another one.
    if (stuck_ != 0 && !sys::ends_by(stuck_, sys::Steady::now())) {
      return explained(ETIMEDOUT, "an earlier query of the user database has not ended");
    }
    stuck_ = 0;
    auto pair = sys::message_pair();
    if (!pair) return pair.error();
    auto& theirs = pair.value().second;
    auto started = sys::fork_process([&] {
      sys::set_title("accounts");
      return answer_questions(theirs);
    });
    if (!started) return started.error();
    asker_ = started.value();
    socket_ = std::move(pair.value().first);
    return {};
  }

  bool is_connected() const override { return static_cast<bool>(socket_); }

  void disconnect() override {
    if (!is_connected()) return;
    socket_.reset();
    sys::send_signal(asker_, SIGKILL);
    if (!sys::ends_by(asker_, sys::Steady::now() + kEndPatience)) stuck_ = asker_;
  }

  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override {
    auto sent = sys::send_message(socket_, address.local, nullptr, deadline);
    if (!sent) return sent.error();
    auto said = sys::receive_message(socket_, deadline);
    if (!said && said.error().code == ETIMEDOUT) {
      return explained(ETIMEDOUT, "getpwnam: no answer within recipients.lookup-timeout",
                       address.local);
    }
    if (!said) return said.error();
    if (!said.value()) {
      return explained(EPIPE, "the process that queries the user database has died", address.local);
    }
    return unpack(said.value()->octets, address.local);
  }

 private:
  sys::Fd socket_;
  pid_t asker_ = 0;
  pid_t stuck_ = 0;  // a process that was killed but has not ended; 0: none
};

class PasswdLookup final : public Lookup {
 public:
  explicit PasswdLookup(const LookupContext& context) : context_(context) {}

  Result<Answer> find(const Address& address) override {
    auto person = sys::find_person(address.local);
    if (!person) return person.error();
    auto record = record_of(person.value());
    if (!record) return Answer();
    return answer_of(*record, address, context_);
  }

 private:
  LookupContext context_;
};

}  // namespace

// getpwnam(3) has no deadline, and its source may hang. So a separate process calls it, which is
// killed if it takes longer than LookupContext::timeout; the next question starts another one. If
// the timeout is 0, this process calls it itself and waits as long as necessary.
Result<std::unique_ptr<Lookup>> make_passwd_lookup(const std::string&,
                                                   const LookupContext& context) {
  if (context.timeout == 0ms) {
    return std::unique_ptr<Lookup>(std::make_unique<PasswdLookup>(context));
  }
  return std::unique_ptr<Lookup>(std::make_unique<WatchedPasswdLookup>(context));
}

}  // namespace handoff::recipients
