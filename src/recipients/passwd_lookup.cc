#include "recipients/passwd_lookup.hh"

#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "base/text.hh"
#include "recipients/record.hh"
#include "recipients/server_lookup.hh"
#include "sys/account.hh"
#include "sys/confinement.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"

namespace handoff::recipients {
namespace {

using namespace std::chrono_literals;

// What was killed ends in this time, unless the kernel holds it.
constexpr auto kEndPatience = 1s;
// What the asking process says: whom it found, nobody, or an errno and what failed.
constexpr char kFound = '+';
constexpr char kNobody = '-';
constexpr char kFailed = '!';

// Without "//" and "/./", which jails and directories put into homes. What ".." leads to only the
// filesystem knows.
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
  Error broken{EPROTO, "the process that asks the system answers nonsense", name};
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
  // An answer, of this one: others may well be told of.
  if (kind == kFailed) {
    Error said{static_cast<int>(*first), std::string(octets), name};
    return Error{EAGAIN, "the system cannot tell: " + said.describe(), {}};
  }
  auto second = number();
  if (kind != kFound || !second) return broken;
  return record_of(sys::Person{{name, static_cast<uid_t>(*first), static_cast<gid_t>(*second)},
                               std::string(octets)});
}

// Answers what it is asked until nobody is there to ask.
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
    // One that the kernel does not let go, and no more of them.
    if (stuck_ != 0 && !sys::ends_by(stuck_, sys::Steady::now())) {
      return Error{ETIMEDOUT, "an earlier question to the system still hangs", {}};
    }
    stuck_ = 0;
    auto pair = sys::message_pair();
    if (!pair) return pair.error();
    auto& theirs = pair.value().second;
    auto started = sys::fork_process([&] { return answer_questions(theirs); });
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
      return Error{ETIMEDOUT, "getpwnam: no answer within recipients.lookup-timeout",
                   address.local};
    }
    if (!said) return said.error();
    if (!said.value()) {
      return Error{EPIPE, "the process that asks the system has died", address.local};
    }
    return unpack(said.value()->octets, address.local);
  }

 private:
  sys::Fd socket_;
  pid_t asker_ = 0;
  pid_t stuck_ = 0;  // one that was killed and has not ended; 0: none
};

class PasswdLookup final : public Lookup {
 public:
  explicit PasswdLookup(const Ground& ground) : ground_(ground) {}

  Result<Answer> find(const Address& address) override {
    auto person = sys::find_person(address.local);
    if (!person) return person.error();
    auto record = record_of(person.value());
    if (!record) return Answer();
    return answer_of(*record, address, ground_);
  }
  bool is_remote() const override { return true; }  // who knows

 private:
  Ground ground_;
};

}  // namespace

Result<std::unique_ptr<Lookup>> make_passwd_lookup(const std::string&, const Ground& ground) {
  if (ground.timeout == 0ms) {
    return std::unique_ptr<Lookup>(std::make_unique<PasswdLookup>(ground));
  }
  return std::unique_ptr<Lookup>(std::make_unique<WatchedPasswdLookup>(ground));
}

}  // namespace handoff::recipients
