#include "proxy/relay.hh"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "sys/stream.hh"

namespace handoff::proxy {

class Relay::Remote final : public spool::Destination {
 public:
  Remote(Relay& relay, Mailbox mailbox) : relay_(relay), mailbox_(std::move(mailbox)) {}
  bool is_elsewhere() const override { return true; }
  void start() override { relay_.end_content(); }
  Result<spool::Delivered> deliver(spool::Message&, std::string_view) override {
    return relay_.await(mailbox_);
  }

 private:
  Relay& relay_;
  Mailbox mailbox_;
};

Relay::Relay(Pool& pool, Facts facts, Content content)
    : pool_(pool), facts_(std::move(facts)), content_(std::move(content)) {}
Relay::~Relay() = default;

lmtp::Reply Relay::add(const Mailbox& mailbox, const Recipient& recipient) {
  auto& transaction = backends_[*mailbox.backend];
  if (!transaction) {
    transaction = std::make_unique<RemoteTransaction>(pool_, *mailbox.backend, facts_);
  }
  auto reply = transaction->add(mailbox.path, recipient);
  if (reply.positive()) {
    destinations_.try_emplace(mailbox.place(), std::make_unique<Remote>(*this, mailbox));
  }
  return reply;
}

std::optional<Error> Relay::cause(const Mailbox& mailbox) const {
  const auto& cause = at(mailbox).cause();
  if (cause.empty()) return std::nullopt;
  return explained(EIO, cause);
}

bool Relay::reports(const Mailbox& mailbox) const { return at(mailbox).reports(); }

void Relay::begin_content() {
  for (auto& [backend, transaction] : backends_) transaction->begin_content();
}

Status Relay::append(std::string_view octets) {
  auto kept = content_.append(octets);
  if (kept) serve_all();
  return kept;
}

void Relay::serve_all() {
  for (auto& [backend, transaction] : backends_) transaction->serve(content_, has_ended_);
}

spool::Destination& Relay::destination(const Mailbox& mailbox) {
  return *destinations_.at(mailbox.place());
}

void Relay::end_content() {
  if (!std::exchange(has_ended_, true)) serve_all();
}

Result<spool::Delivered> Relay::await(const Mailbox& mailbox) {
  end_content();
  auto& wanted = at(mailbox);
  while (!wanted.reply(mailbox.path)) {
    std::vector<pollfd> fds;
    auto until = sys::Deadline::max();
    for (auto& [backend, transaction] : backends_) {
      auto awaited = transaction->awaited();
      if (!awaited) continue;
      fds.push_back(
          {awaited->fd, static_cast<short>(awaited->output ? POLLIN | POLLOUT : POLLIN), 0});
      until = std::min(until, awaited->deadline);
    }
    static_cast<void>(sys::wait_for(fds, until, false));
    serve_all();
  }
  auto reply = *wanted.reply(mailbox.path);
  if (reply.positive()) return spool::Delivered{.file = {}, .size = content_.size()};
  return explained(EPROTO, wanted.cause().empty() ? "the backend refused it" : wanted.cause(),
                   mailbox.name());
}

lmtp::Reply Relay::reply(const Mailbox& mailbox) const {
  return at(mailbox).reply(mailbox.path).value();
}

void Relay::replies_read() {
  for (auto& [backend, transaction] : backends_) transaction->replies_read();
}

}  // namespace handoff::proxy
