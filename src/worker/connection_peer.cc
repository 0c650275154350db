// The peer of a session and its rights: allow, trusted, TLS and AUTH.
#include <algorithm>

#include "lmtp/replies.hh"
#include "worker/connection.hh"

namespace handoff::worker {

// L11: TCP clients must be in a configured network. A proxy that connects on its own
// behalf is always allowed, for its health checks.
bool Connection::is_allowed() const {
  return !peer_.ip || peer_.proxy ||
         std::ranges::any_of(services_.config.allow,
                             [&](const Network& network) { return network.contains(*peer_.ip); });
}

// The mode of a unix socket decides who may connect, and a queue manager there is one user: only
// TCP clients are counted, but not a proxy on its own behalf.
bool Connection::has_place() {
  if (!peer_.ip || peer_.proxy) return true;
  const auto& workers = services_.config.workers;
  const auto& share = workers.max_per_client;
  if (share.number == 0) return true;
  auto limit = std::max<std::uint64_t>(share.of(workers.max), 1);
  auto client = client_network(*peer_.ip);
  auto key = board::key_of({reinterpret_cast<const char*>(client.data()), client.size()});
  return slot_writer_.enter_client(key, limit);
}

// Unix sockets and standard input are local; the mode of the socket decides who may connect.
bool Connection::is_trusted() const {
  return std::ranges::any_of(services_.config.trusted,
                             [&](const PeerGroup& group) { return group.contains(peer_.ip); });
}

// X10, X11: STARTTLS and AUTH are for TCP only.
lmtp::SessionPeer Connection::session_peer() {
  lmtp::SessionPeer peer{peer_.text, is_trusted()};
  peer.remote = peer_.ip.has_value();
  peer.can_tls = peer.remote && services_.tls;
  peer.mechanisms = begin_auth();
  return peer;
}

std::string Connection::begin_auth() {
  sasl_.reset();
  user_.clear();
  if (!services_.sasl || !peer_.ip) return {};
  const auto& tls = stream_.tls();
  auto sasl = sys::SaslSession::begin(
      *services_.sasl, {tls ? tls->bits : 0, tls && tls->client_verified ? tls->client : ""});
  if (!sasl) {
    services_.log.error("cannot offer AUTH",
                        {{"client", peer_.text}, {"cause", sasl.error().describe()}});
    return {};
  }
  sasl_.emplace(std::move(sasl).value());
  return sasl_->mechanisms();
}

bool Connection::start_tls() {
  // RFC 3207 4.2: an attacker may have sent what came before the handshake.
  input_ = {};
  auto until = sys::Steady::now() + services_.config.session.command_timeout;
  if (auto done = stream_.start_tls(*services_.tls, until); !done) {
    services_.log.warning("TLS failed",
                          {{"client", peer_.text}, {"cause", done.error().describe()}});
    return false;
  }
  const auto& tls = *stream_.tls();
  services_.log.debug("TLS",
                      {{"client", peer_.text}, {"tls", tls.text()}, {"tls_client", tls.client}});
  session_.tls_started(begin_auth(), tls.client_verified && services_.config.tls.trust_clients);
  return true;
}

std::string Connection::tls_text() const { return stream_.tls() ? stream_.tls()->text() : ""; }

Connection::Next Connection::on(const lmtp::TlsBegins&) {
  // After a failed handshake the session cannot continue: the peer expects TLS.
  return flush() && start_tls() ? std::nullopt : Next(Ended::kBroken);
}

Connection::Next Connection::on(const lmtp::AuthStep& event) {
  using Outcome = sys::SaslSession::Outcome;
  if (!event.mechanism.empty()) mechanism_ = event.mechanism;
  auto step = event.mechanism.empty() ? sasl_->step(event.response.value_or(""))
                                      : sasl_->start(event.mechanism, event.response);
  sys::Fields fields{{"client", peer_.text}, {"auth", sasl_->user()}, {"mechanism", mechanism_}};
  auto refuse = [&](const lmtp::Phrase& phrase) {
    lmtp::Reply reply(phrase);
    fields.emplace_back("tls", tls_text());
    fields.emplace_back("reply", reply.one_line());
    fields.emplace_back("cause", step.text);
    services_.log.warning("authentication failed", fields);
    session_.refuse(reply);
  };
  switch (step.outcome) {
    case Outcome::kChallenge:
      session_.auth_challenge(step.text);
      break;
    case Outcome::kSucceeded:
      user_ = sasl_->user();
      fields.emplace_back("tls", tls_text());
      services_.log.info("authenticated", fields);
      session_.auth_succeeded();
      break;
    case Outcome::kFailed:
      if (!hold_back(penalties_.failed_authentication())) return Ended::kBroken;
      refuse(lmtp::say::kAuthFailed);
      break;
    case Outcome::kUnavailable:
      refuse(lmtp::say::kAuthUnavailable);
      break;
    case Outcome::kBadBase64:
      refuse(lmtp::say::kBadBase64);
      break;
  }
  return std::nullopt;
}

}  // namespace handoff::worker
