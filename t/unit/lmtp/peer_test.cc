// X10, X11: STARTTLS and AUTH in the session.
#include <boost/test/unit_test.hpp>
#include <string>
#include <variant>

#include "lmtp/replies.hh"
#include "lmtp/session.hh"

using namespace handoff::lmtp;

namespace {

// A session that requests TLS or AUTH, and its replies.
class Played {
 public:
  explicit Played(SessionPeer peer, SessionOptions options = {})
      : options_(std::move(options)), session_(options_, std::move(peer)) {
    session_.output().clear();
  }

  // Returns the codes of the replies, and "tls" or "auth" for such requests. Discards input after
  // STARTTLS, like the worker.
  std::string send(std::string_view input) {
    std::string out;
    for (;;) {
      auto event = session_.next(input);
      out += codes();
      if (std::holds_alternative<NeedInput>(event)) return out;
      if (std::holds_alternative<Closed>(event)) return out + "closed";
      if (std::holds_alternative<MailBegins>(event)) session_.accept_mail();
      if (std::holds_alternative<TlsBegins>(event)) return out + "tls";
      if (std::holds_alternative<AuthStep>(event)) return out + "auth";
    }
  }

  std::string codes() {
    std::string out;
    auto& output = session_.output();
    for (std::size_t at = 0; at < output.size(); at = output.find("\r\n", at) + 2) {
      if (output[at + 3] == ' ') out += output.substr(at, 3) + " ";
    }
    output.clear();
    return out;
  }

  Session& session() { return session_; }

 private:
  SessionOptions options_;
  Session session_;
};

SessionPeer remote(std::string mechanisms = {}) {
  SessionPeer peer{"[192.0.2.1]"};
  peer.can_tls = peer.remote = true;
  peer.mechanisms = std::move(mechanisms);
  return peer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_peer)

BOOST_AUTO_TEST_CASE(starttls_resets_lhlo_xclient_and_authentication_X10) {
  SessionOptions options;
  options.require_auth = true;
  Played played(remote("SCRAM-SHA-256"), options);
  BOOST_TEST(played.send("LHLO me\r\nAUTH SCRAM-SHA-256\r\n") == "250 auth");
  played.session().auth_succeeded();
  BOOST_TEST(played.send("MAIL FROM:<>\r\nRSET\r\nSTARTTLS\r\n") == "235 250 250 220 tls");
  played.session().tls_started("PLAIN");
  BOOST_TEST(played.send("MAIL FROM:<>\r\n") == "503 ");
  BOOST_TEST(played.send("LHLO me\r\nMAIL FROM:<>\r\n") == "250 530 ");
}

BOOST_AUTO_TEST_CASE(an_incomplete_command_before_the_handshake_is_dropped_X10) {
  Played played(remote());
  BOOST_TEST(played.send("LHLO me\r\nSTARTTLS\r\nMAIL FR") == "250 220 tls");
  played.session().tls_started("");
  BOOST_TEST(played.send("NOOP\r\n") == "250 ");
}

BOOST_AUTO_TEST_CASE(a_certificate_makes_a_client_trusted_and_its_absence_changes_nothing_X10) {
  for (bool before : {false, true}) {
    for (bool by_certificate : {false, true}) {
      auto peer = remote();
      peer.trusted = before;
      Played played(peer);
      played.send("STARTTLS\r\n");
      played.session().tls_started("", by_certificate);
      BOOST_TEST(played.send("LHLO me\r\nXFORWARD NAME=x\r\n") ==
                 (before || by_certificate ? "250 250 " : "250 550 "));
    }
  }
}

BOOST_AUTO_TEST_CASE(failed_authentication_counts_towards_max_errors_X11) {
  SessionOptions options;
  options.max_errors = 2;
  Played played(remote("PLAIN"), options);
  BOOST_TEST(played.send("LHLO me\r\nAUTH PLAIN\r\n") == "250 auth");
  played.session().refuse(say::kAuthFailed);
  BOOST_TEST(played.send("AUTH PLAIN\r\n") == "535 auth");
  played.session().refuse(say::kAuthFailed);
  BOOST_TEST(played.send("") == "535 421 closed");
}

BOOST_AUTO_TEST_CASE(failures_of_the_server_do_not_count_as_failed_attempts_X11) {
  SessionOptions options;
  options.max_errors = 1;
  Played played(remote("PLAIN"), options);
  BOOST_TEST(played.send("LHLO me\r\nAUTH PLAIN\r\n") == "250 auth");
  played.session().refuse(say::kAuthUnavailable);
  BOOST_TEST(played.send("NOOP\r\n") == "454 250 ");
}

BOOST_AUTO_TEST_CASE(required_authentication_applies_without_a_usable_mechanism_X11) {
  SessionOptions options;
  options.require_auth = true;
  SessionPeer without{"[192.0.2.1]"};
  without.remote = true;
  BOOST_TEST(Played(without, options).send("LHLO me\r\nMAIL FROM:<>\r\n") == "250 530 ");
  BOOST_TEST(Played({"local"}, options).send("LHLO me\r\nMAIL FROM:<>\r\n") == "250 250 ");
}

// VRFY reveals which recipients exist, and uses the lookups.
BOOST_AUTO_TEST_CASE(vrfy_has_the_same_requirements_as_mail_X10_X11) {
  SessionOptions options;
  options.require_auth = options.require_tls = true;
  Played played(remote("PLAIN"), options);
  BOOST_TEST(played.send("LHLO me\r\nVRFY pat@example.org\r\nMAIL FROM:<>\r\n") == "250 530 530 ");
  played.session().tls_started("PLAIN");
  BOOST_TEST(played.send("LHLO me\r\nVRFY pat@example.org\r\nAUTH PLAIN\r\n") == "250 530 auth");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_gets_500_and_ends_the_exchange_S4_X11) {
  for (std::size_t length : {std::size_t{12289}, std::size_t{50000}}) {
    Played played(remote("GSSAPI"));
    BOOST_TEST(played.send("LHLO me\r\nAUTH GSSAPI\r\n") == "250 auth");
    played.session().auth_challenge("");
    BOOST_TEST(played.send(std::string(length, 'A') + "\r\nNOOP\r\n") == "334 500 250 ");
  }
}

BOOST_AUTO_TEST_CASE(a_long_challenge_is_sent_completely_X11) {
  Played played(remote("GSSAPI"));
  played.send("LHLO me\r\nAUTH GSSAPI\r\n");
  std::string challenge(10000, 'A');
  played.session().auth_challenge(challenge);
  BOOST_TEST((played.session().output() == "334 " + challenge + "\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
