// The part of a message that goes to other hosts, with backends whose replies are written in
// advance.
#include "proxy/relay.hh"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sys/files.hh"
#include "sys/sockets.hh"

using namespace handoff;
using namespace handoff::proxy;

namespace {

constexpr char kOffers[] = "220 b LMTP\r\n250-b\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
constexpr char kPlain[] = "220 b LMTP\r\n250 b\r\n";

// Backends on socket pairs. Each connection gets the next script of its host.
class Backends {
 public:
  Backends() { std::signal(SIGPIPE, SIG_IGN); }

  void expect(const std::string& host, std::string replies) {
    scripts_[host].push_back(std::move(replies));
  }
  Pool::Connect connect() {
    return [this](const Backend& backend, sys::Deadline) -> Result<sys::Fd> {
      auto& scripts = scripts_[backend.host];
      auto number = ends_[backend.host].size();
      if (number >= scripts.size()) return Error{ECONNREFUSED, "connect", backend.text()};
      auto pair = sys::connected_pair();
      BOOST_REQUIRE(pair.ok());
      auto& [ours, theirs] = pair.value();
      if (buffer_ > 0) {
        ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &buffer_, sizeof buffer_);
      }
      say(theirs, scripts[number]);
      ends_[backend.host].push_back(std::move(theirs));
      return std::move(ours);
    };
  }
  static void say(const sys::Fd& end, const std::string& replies) {
    BOOST_REQUIRE(::write(end.get(), replies.data(), replies.size()) ==
                  static_cast<ssize_t>(replies.size()));
  }
  void say(const std::string& host, const std::string& replies) {
    say(ends_[host].back(), replies);
  }
  // The sockets of the proxy hold at most this many unread octets.
  void limit_buffers(int octets) { buffer_ = octets; }
  void close(const std::string& host) { ends_[host].back().reset(); }
  // Returns what the proxy has sent on the newest connection since the last call.
  std::string said(const std::string& host) {
    std::string out;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::recv(ends_[host].back().get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      out.append(buffer, static_cast<std::size_t>(n));
    }
    last_ = n;
    return out;
  }
  // Waits until the proxy has sent `word`; returns everything up to then.
  std::string wait_for(const std::string& host, std::string_view word) {
    std::string out;
    while (out.find(word) == out.npos) {
      pollfd end{ends_[host].back().get(), POLLIN, 0};
      if (::poll(&end, 1, 60'000) <= 0) break;
      auto more = said(host);
      if (more.empty()) break;
      out += more;
    }
    return out;
  }
  // After said(): how the connection ended; "open" if it did not.
  std::string end() const { return last_ == 0 ? "closed" : errno == ECONNRESET ? "reset" : "open"; }
  std::size_t connections(const std::string& host) { return ends_[host].size(); }

 private:
  std::map<std::string, std::vector<std::string>> scripts_;
  std::map<std::string, std::vector<sys::Fd>> ends_;
  ssize_t last_ = -1;
  int buffer_ = 0;
};

struct Site {
  explicit Site(Options options = {.hostname = "proxy.test"})
      : pool(std::move(options), network.connect()) {}

  std::unique_ptr<Relay> relay(unsigned hops = 0) {
    Facts facts;
    facts.envelope.sender.text = "s@example.net";
    facts.envelope.hops = hops;
    auto open = [this] {
      char name[] = "/tmp/handoff-relay-XXXXXX";
      sys::Fd file(::mkstemp(name));
      ::unlink(name);
      ++files_opened;
      return Result<sys::Fd>(std::move(file));
    };
    return std::make_unique<Relay>(pool, facts, Content(files, open));
  }

  Backends network;
  sys::Files files;
  int files_opened = 0;
  Pool pool;
};

Mailbox at(const std::string& host, const std::string& address) {
  Mailbox mailbox;
  mailbox.path = mailbox.address = address;
  mailbox.backend = Backend{host, 24};
  return mailbox;
}

std::string add(Relay& relay, const Mailbox& mailbox) {
  return relay.add(mailbox, Recipient{}).one_line();
}

std::string await(Relay& relay, const Mailbox& mailbox) {
  static_cast<void>(relay.await(mailbox).ok());
  return relay.reply(mailbox).one_line();
}

// Ends the content, and then the host sends `replies`.
std::string finish(Site& site, Relay& relay, const Mailbox& mailbox, const std::string& replies) {
  relay.destination(mailbox).start();
  site.network.say(mailbox.backend->host, replies);
  return await(relay, mailbox);
}

const auto kPat = at("b", "pat@example.org");
const auto kLee = at("b", "lee@example.org");
const auto kKim = at("c", "kim@example.org");
constexpr char kAccepted[] = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(proxy_relay)

BOOST_AUTO_TEST_CASE(a_message_is_passed_on_unchanged) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kPat) == "250 2.1.5 ok");
  relay->begin_content();
  BOOST_TEST(relay->append("Subject: x\r\n\r\n.a\nb\r\n").ok());
  BOOST_TEST(finish(site, *relay, kPat, "250 2.0.0 <pat> delivered\r\n") ==
             "250 2.0.0 <pat> delivered");
  BOOST_TEST(site.network.said("b") ==
             "LHLO proxy.test\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<pat@example.org>\r\n"
             "BDAT 20 LAST\r\nSubject: x\r\n\r\n.a\nb\r\n");
  BOOST_TEST(site.files_opened == 0);
}

BOOST_AUTO_TEST_CASE(a_plain_backend_gets_one_command_at_a_time_and_the_content_by_data) {
  Site site;
  site.network.expect("b", std::string(kPlain) + kAccepted + "354 go\r\n");
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kPat) == "250 2.1.5 ok");
  relay->begin_content();
  BOOST_TEST(relay->append("Subject: x\r\n\r\n.a\nb\r\n").ok());
  BOOST_TEST(finish(site, *relay, kPat, "250 fine\r\n") == "250 2.0.0 fine");
  BOOST_TEST(site.network.said("b") ==
             "LHLO proxy.test\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<pat@example.org>\r\nDATA\r\n"
             "Subject: x\r\n\r\n..a\r\nb\r\n.\r\n");
}

BOOST_AUTO_TEST_CASE(replies_stay_unread_until_the_client_has_read_its_own) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  relay->destination(kPat).start();
  site.network.said("b");
  site.network.say("b", "250 2.0.0 ok\r\n");
  BOOST_TEST(await(*relay, kPat) == "250 2.0.0 ok");
  BOOST_TEST(site.network.said("b") == "");
  BOOST_TEST(site.network.end() == "open");
  relay->replies_read();
  BOOST_TEST(site.network.said("b") == "RSET\r\n");
}

BOOST_AUTO_TEST_CASE(the_session_is_broken_off_if_the_client_has_not_read_its_replies) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  site.network.said("b");
  finish(site, *relay, kPat, "250 2.0.0 ok\r\n");
  site.network.said("b");
  relay.reset();
  site.network.said("b");
  BOOST_TEST(site.network.end() == "reset");  // a unix socket that is closed with unread octets
}

BOOST_AUTO_TEST_CASE(a_connection_is_used_again) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  {
    auto relay = site.relay();
    add(*relay, kPat);
    relay->begin_content();
    BOOST_TEST(relay->append("x\r\n").ok());
    finish(site, *relay, kPat, "250 2.0.0 ok\r\n");
    relay->replies_read();
  }
  site.network.said("b");
  site.network.say("b", "250 reset\r\n");
  std::string said;
  std::thread backend([&] {
    said = site.network.wait_for("b", "RCPT");
    site.network.say("b", kAccepted);
  });
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kLee) == "250 2.1.5 ok");
  backend.join();
  BOOST_TEST(said == "MAIL FROM:<s@example.net>\r\nRCPT TO:<lee@example.org>\r\n");
  BOOST_TEST(site.network.connections("b") == 1U);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_the_backend_has_closed_is_replaced) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  site.network.expect("b", std::string(kOffers) + kAccepted);
  add(*site.relay(), kPat);  // and RSET
  site.network.say("b", "250 reset\r\n421 4.3.2 going down\r\n");
  site.network.close("b");
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kPat) == "250 2.1.5 ok");
  BOOST_TEST(site.network.connections("b") == 2U);
}

BOOST_AUTO_TEST_CASE(a_refused_sender_refuses_each_recipient) {
  Site site;
  site.network.expect("b", std::string(kOffers) + "452 4.3.1 full\r\n503 5.5.1 MAIL first\r\n");
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kPat) == "452 4.3.1 full");
  BOOST_TEST(add(*relay, kLee) == "452 4.3.1 full");
}

BOOST_AUTO_TEST_CASE(replies_are_made_printable_and_of_one_line) {
  Site site;
  site.network.expect("b", std::string(kOffers) +
                               "250 ok\r\n550-5.1.1 no\x01\r\n550 5.1.1 s\xc3\xbc"
                               "ch\r\n");
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kPat) == "550 5.1.1 no? s??ch");
}

BOOST_AUTO_TEST_CASE(a_failing_backend_affects_only_its_own_recipients) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  site.network.expect("c", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  add(*relay, kKim);
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  site.network.close("b");
  BOOST_TEST(await(*relay, kPat) ==
             "451 4.4.2 <pat@example.org> is at b:24, and the connection was lost");
  BOOST_TEST(finish(site, *relay, kKim, "250 2.0.0 ok\r\n") == "250 2.0.0 ok");
}

BOOST_AUTO_TEST_CASE(replies_that_came_before_the_connection_ended_are_valid) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted + "250 2.1.5 ok\r\n");
  auto relay = site.relay();
  add(*relay, kPat);
  add(*relay, kLee);
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  relay->destination(kPat).start();
  site.network.say("b", "250 2.0.0 ok\r\n");
  BOOST_TEST(await(*relay, kPat) == "250 2.0.0 ok");
  site.network.close("b");
  BOOST_TEST(await(*relay, kLee).substr(0, 9) == "451 4.4.2");
  BOOST_TEST(await(*relay, kPat) == "250 2.0.0 ok");
}

BOOST_AUTO_TEST_CASE(a_backend_that_does_not_answer_is_deferred_and_not_asked_again_at_once) {
  Site site({.hostname = "proxy.test", .timeout = std::chrono::milliseconds(50)});
  site.network.expect("b", "");
  BOOST_TEST(add(*site.relay(), kPat) ==
             "451 4.4.1 <pat@example.org> is at b:24, which cannot be reached");
  site.network.expect("b", std::string(kOffers) + kAccepted);
  BOOST_TEST(add(*site.relay(), kPat).substr(0, 9) == "451 4.4.1");
  BOOST_TEST(site.network.connections("b") == 1U);
}

BOOST_AUTO_TEST_CASE(a_backend_that_does_not_deliver_in_time_is_deferred) {
  Site site({.hostname = "proxy.test", .delivery_timeout = std::chrono::milliseconds(50)});
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  BOOST_TEST(await(*relay, kPat).substr(0, 9) == "451 4.4.2");
}

BOOST_AUTO_TEST_CASE(the_timeout_of_a_backend_replaces_those_of_the_settings) {
  using std::chrono::minutes;
  Site site({.hostname = "proxy.test", .timeout = minutes(2), .delivery_timeout = minutes(2)});
  auto pat = kPat;
  auto kim = kKim;
  pat.backend->timeout = kim.backend->timeout = std::chrono::seconds(1);
  site.network.expect("b", std::string(kOffers) + kAccepted);
  site.network.expect("c", "");
  auto begin = sys::Steady::now();
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kim).substr(0, 9) == "451 4.4.1");
  BOOST_TEST(add(*relay, pat) == "250 2.1.5 ok");
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  BOOST_TEST(await(*relay, pat).substr(0, 9) == "451 4.4.2");
  BOOST_TEST((sys::Steady::now() - begin < minutes(1)));
}

BOOST_AUTO_TEST_CASE(a_loop_is_refused_before_a_backend_is_asked) {
  Site site;
  BOOST_TEST(add(*site.relay(5), kPat) ==
             "451 4.4.6 <pat@example.org> has passed 5 proxies, a loop");
  BOOST_TEST(site.network.connections("b") == 0U);
}

BOOST_AUTO_TEST_CASE(a_large_message_is_kept_in_a_file_while_it_arrives) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  relay->begin_content();
  std::string piece(50'000, 'x');
  std::string got;
  for (int i = 0; i < 40; ++i) {
    BOOST_REQUIRE(relay->append(piece).ok());
    got += site.network.said("b");
  }
  BOOST_TEST(got.size() > 1'000'000U);  // the backend has most of it before the end
  BOOST_TEST(site.files_opened == 1);
}

BOOST_AUTO_TEST_CASE(content_that_ends_inside_a_chunk_is_followed_by_an_empty_last_chunk) {
  Site site;
  site.network.limit_buffers(8192);
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  relay->begin_content();
  BOOST_REQUIRE(relay->append(std::string(300'000, 'x')).ok());
  relay->destination(kPat).start();
  std::string said;
  std::thread backend([&] {
    said = site.network.wait_for("b", "LAST\r\n");
    site.network.say("b", "250 chunk\r\n250 2.0.0 ok\r\n");
  });
  BOOST_TEST(await(*relay, kPat) == "250 2.0.0 ok");
  backend.join();
  BOOST_TEST(said.find("BDAT 300000\r\n") != said.npos);
  BOOST_TEST(said.ends_with("xBDAT 0 LAST\r\n"));
}

BOOST_AUTO_TEST_CASE(a_positive_reply_to_data_does_not_count_as_a_delivery) {
  Site site;
  site.network.expect("b", std::string(kPlain) + kAccepted + "250 2.0.0 done\r\n");
  auto relay = site.relay();
  add(*relay, kPat);
  relay->begin_content();
  BOOST_TEST(relay->append("x\r\n").ok());
  BOOST_TEST(await(*relay, kPat).substr(0, 3) == "451");
}

BOOST_AUTO_TEST_CASE(a_backend_that_ends_between_mail_and_rcpt_is_asked_again) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  site.network.expect("b", std::string(kOffers) + kAccepted);
  add(*site.relay(), kPat);  // and RSET
  site.network.say("b", "250 reset\r\n250 2.1.0 ok\r\n421 4.3.2 going down\r\n");
  auto relay = site.relay();
  BOOST_TEST(add(*relay, kPat) == "250 2.1.5 ok");
  BOOST_TEST(site.network.connections("b") == 2U);
  BOOST_TEST(site.network.said("b") ==
             "LHLO proxy.test\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<pat@example.org>\r\n");
}

BOOST_AUTO_TEST_CASE(an_address_is_named_once_at_each_backend) {
  Site site;
  site.network.expect("b", std::string(kOffers) + kAccepted);
  auto relay = site.relay();
  add(*relay, kPat);
  BOOST_TEST(add(*relay, kPat) == "250 2.1.5 ok");
  BOOST_TEST(site.network.said("b") ==
             "LHLO proxy.test\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<pat@example.org>\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
