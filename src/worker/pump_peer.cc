// Who the peer of a session is, and what protects it: allow, trusted, TLS and AUTH.
#include <algorithm>

#include "lmtp/replies.hh"
#include "worker/pump.hh"

namespace handoff::worker {

// L11: TCP clients come from configured networks alone.
bool Pump::is_allowed() const {
  return !peer_.ip || std::ranges::any_of(services_.config.allow, [&](const Network& network) {
    return network.contains(*peer_.ip);
  });
}

// Unix sockets and standard input come from this host; who may open them is the socket's mode.
bool Pump::is_trusted() const {
  return std::ranges::any_of(services_.config.trusted,
                             [&](const PeerGroup& group) { return group.contains(peer_.ip); });
}

// X10, X11: STARTTLS and AUTH are for TCP.
lmtp::SessionPeer Pump::session_peer() {
  lmtp::SessionPeer peer{peer_.text, is_trusted()};
  peer.remote = peer_.ip.has_value();
  peer.can_tls = peer.remote && services_.tls;
  peer.mechanisms = begin_auth();
  return peer;
}

std::string Pump::begin_auth() {
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

bool Pump::start_tls() {
  // RFC 3207 4.2: what came before the handshake was perhaps never the client's.
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

std::string Pump::tls_text() const { return stream_.tls() ? stream_.tls()->text() : ""; }

Pump::Next Pump::on(const lmtp::TlsBegins&) {
  // Without it there is no way on: the peer waits for a handshake.
  return flush() && start_tls() ? std::nullopt : Next(Ended::kBroken);
}

Pump::Next Pump::on(const lmtp::AuthStep& event) {
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
