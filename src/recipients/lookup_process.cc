#include "recipients/lookup_process.hh"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "recipients/kinds.hh"
#include "sys/message_socket.hh"

namespace handoff::recipients {
namespace {

using namespace std::chrono_literals;

// A worker that has not read its answer after this time is considered gone.
constexpr auto kSendTimeout = 10s;
// A lookup may ask twice, each time for recipients.lookup-timeout (ServerLookup::find). This is
// added for libraries that end a little later.
constexpr auto kPatience = 2s;

class ApartLookup final : public Lookup {
 public:
  ApartLookup(std::size_t number, bool knows_owners, const LookupContext& context)
      : number_(number), knows_owners_(knows_owners), context_(context) {}

  Result<Answer> find(const Address& address) override {
    auto found = context_.process->ask({number_, address}, context_.timeout);
    if (!found) return found.error();
    if (!found.value()) return Answer();
    return answer_of(*found.value(), address, context_);
  }
  bool knows_owners() const override { return knows_owners_; }

 private:
  std::size_t number_;
  bool knows_owners_;
  LookupContext context_;
};

}  // namespace

bool need_process(const std::vector<LookupSetting>& lookups) {
  return std::ranges::any_of(lookups, [](const auto& lookup) { return lookup.kind.apart(); });
}

LookupProcess::LookupProcess(const std::vector<LookupSetting>& lookups,
                             const LookupContext& context) {
  for (const auto& lookup : lookups) {
    if (lookup.kind.apart()) {
      made_.push_back(make_lookup(lookup, context));
    } else {
      made_.emplace_back(explained(EINVAL, "workers make this lookup themselves"));
    }
  }
}

void LookupProcess::serve(const sys::Fd& socket) {
  for (;;) {
    auto message = sys::receive_message(socket, std::nullopt);
    if (!message || !message.value()) return;
    auto question =
        message.value()->whole ? unpack_question(message.value()->octets) : std::nullopt;
    auto found = question ? answer(*question) : Found(explained(EBADMSG, "no question"));
    auto until = sys::Steady::now() + kSendTimeout;
    if (!sys::send_message(socket, pack(found), nullptr, until)) return;
  }
}

Found LookupProcess::answer(const Question& question) {
  if (question.lookup >= made_.size()) return explained(EINVAL, "no such lookup");
  auto& made = made_[question.lookup];
  if (!made) return made.error();
  if (question.address) return made.value()->find_record(*question.address);
  return made.value()->knows_owners() ? std::optional<Record>(Record()) : std::nullopt;
}

Found LookupClient::ask(const Question& question, std::chrono::milliseconds timeout) {
  auto gone = explained(EPIPE, "the lookup process is gone");
  if (!socket_) return gone;
  auto until = sys::Steady::now() + 2 * timeout + kPatience;
  auto sent = sys::send_message(socket_, pack(question), nullptr, until);
  auto answer = sent ? sys::receive_message(socket_, until)
                     : Result<std::optional<sys::Message>>(sent.error());
  if (answer && answer.value() && answer.value()->whole) {
    return unpack_found(answer.value()->octets);
  }
  // Closed, because a late answer would be mistaken for the answer to the next question.
  socket_.reset();
  bool late = !answer && answer.error().code == ETIMEDOUT;
  return late ? explained(ETIMEDOUT, "the lookup process does not answer") : gone;
}

Result<std::unique_ptr<Lookup>> make_lookup(const std::vector<LookupSetting>& lookups,
                                            std::size_t number, const LookupContext& context) {
  const auto& setting = lookups[number];
  if (context.process == nullptr || !setting.kind.apart()) return make_lookup(setting, context);
  auto found = context.process->ask({number, std::nullopt}, context.timeout);
  if (!found) return found.error();
  return std::unique_ptr<Lookup>(
      std::make_unique<ApartLookup>(number, found.value().has_value(), context));
}

}  // namespace handoff::recipients
