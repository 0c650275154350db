// The client with a scripted peer: all replies are in the socket before the client begins, and the
// client's output is read at the end.
#include "proxy/lmtp_client.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

using namespace handoff;
using namespace handoff::proxy;
using std::chrono::seconds;

namespace {

constexpr Timeouts kShort{.reply = seconds(2), .block = seconds(2), .final_reply = seconds(2)};
constexpr char kHello[] =
    "220 mx LMTP\r\n250-mx\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n";

std::string line_of(const Outcome& outcome) {
  const auto& reply = outcome.reply;
  return "<" + outcome.recipient + "> " + (reply.code == 0 ? reply.text : reply.one_line());
}

struct Ends {
  sys::Fd client, server;
};

Ends connected() {
  std::signal(SIGPIPE, SIG_IGN);
  int fds[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return {sys::Fd(fds[0]), sys::Fd(fds[1])};
}

std::string read_all(const sys::Fd& fd) {
  std::string out;
  char buffer[4096];
  for (;;) {
    auto n = ::read(fd.get(), buffer, sizeof buffer);
    if (n <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

LmtpClient::Read reading(std::string message) {
  return [message, at = std::size_t{0}](char* buffer, std::size_t size) mutable {
    auto n = message.copy(buffer, size, at);
    at += n;
    return Result<std::size_t>(n);
  };
}

struct Played {
  std::vector<std::string> lines;     // the outcomes, in the order of the recipients
  std::vector<std::string> reported;  // the same, in the order of the reports
  std::string said;                   // the output of the client
};

Played play(std::string_view script, const Submission& submission, const LmtpClient::Read& read) {
  auto ends = connected();
  BOOST_REQUIRE(::write(ends.server.get(), script.data(), script.size()) ==
                static_cast<ssize_t>(script.size()));
  ::shutdown(ends.server.get(), SHUT_WR);
  Played out;
  {
    sys::Stream stream(std::move(ends.client));
    LmtpClient client(stream, "client.example", kShort);
    auto outcomes = client.deliver(submission, read, [&](const Outcome& outcome) {
      out.reported.push_back(line_of(outcome));
    });
    for (const auto& outcome : outcomes) out.lines.push_back(line_of(outcome));
  }
  out.said = read_all(ends.server);
  return out;
}

Played play(const std::string& script, const Submission& submission) {
  return play(script, submission, reading("Subject: hi\n\n.hello\n"));
}

const std::vector<std::string> kThree = {"a@x", "b@x", "c@x"};

}  // namespace

BOOST_AUTO_TEST_SUITE(proxy_lmtp_client)

BOOST_AUTO_TEST_CASE(a_complete_transaction_sends_the_message) {
  auto played = play(std::string(kHello) +
                         "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 delivered\r\n221 "
                         "2.0.0 bye\r\n",
                     {.sender = "s@y", .recipients = {"a@x"}, .size = {}});
  BOOST_TEST(played.said ==
             "LHLO client.example\r\n"
             "MAIL FROM:<s@y> BODY=8BITMIME\r\n"
             "RCPT TO:<a@x>\r\n"
             "DATA\r\n"
             "Subject: hi\r\n\r\n..hello\r\n.\r\n"
             "QUIT\r\n");
  BOOST_TEST(played.lines == std::vector<std::string>{"<a@x> 250 2.0.0 delivered"});
}

// L4, L6: one reply for each accepted RCPT; refused ones already had theirs.
BOOST_AUTO_TEST_CASE(each_recipient_has_its_own_outcome_L6) {
  auto played = play(std::string(kHello) +
                         "250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 who?\r\n250 2.1.5 ok\r\n354 "
                         "go\r\n452 4.2.2 full\r\n250 2.0.0 delivered\r\n221 2.0.0 bye\r\n",
                     {.sender = "", .recipients = kThree, .size = {}});
  BOOST_TEST(played.lines ==
             (std::vector<std::string>{"<a@x> 452 4.2.2 full", "<b@x> 550 5.1.1 who?",
                                       "<c@x> 250 2.0.0 delivered"}));
  // Reported as soon as it is known.
  BOOST_TEST(played.reported ==
             (std::vector<std::string>{"<b@x> 550 5.1.1 who?", "<a@x> 452 4.2.2 full",
                                       "<c@x> 250 2.0.0 delivered"}));
}

BOOST_AUTO_TEST_CASE(a_multiline_reply_is_one_reply) {
  auto played =
      play(std::string(kHello) +
               "250-2.1.0 ok\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250-2.0.0 one\r\n250 "
               "2.0.0 two\r\n221 bye\r\n",
           {.sender = "", .recipients = {"a@x"}, .size = {}});
  BOOST_TEST(played.lines == std::vector<std::string>{"<a@x> 250 2.0.0 one two"});
}

// L3: DATA is not sent if no recipient was accepted.
BOOST_AUTO_TEST_CASE(data_waits_until_a_recipient_was_accepted_L3) {
  auto played = play(std::string(kHello) +
                         "250 2.1.0 ok\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n221 "
                         "bye\r\n",
                     {.sender = "", .recipients = kThree, .size = {}});
  BOOST_TEST(played.said.find("DATA") == std::string::npos);
  BOOST_TEST(played.said.ends_with("RCPT TO:<c@x>\r\nQUIT\r\n"));
  BOOST_TEST(played.lines.size() == 3u);
  BOOST_TEST(played.reported.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_refusal_before_the_recipients_applies_to_all_of_them) {
  for (std::string script :
       {"554 5.7.1 go away\r\n", "220 mx\r\n554 5.7.1 go away\r\n",
        "220 mx\r\n250 mx\r\n554 5.7.1 go away\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n",
        "220 mx\r\n250 mx\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n554 "
        "5.7.1 go away\r\n"}) {
    auto played = play(script, {.sender = "", .recipients = kThree, .size = {}});
    BOOST_TEST(played.lines ==
               (std::vector<std::string>{"<a@x> 554 5.7.1 go away", "<b@x> 554 5.7.1 go away",
                                         "<c@x> 554 5.7.1 go away"}));
    BOOST_TEST(played.reported.size() == 3u);
  }
}

BOOST_AUTO_TEST_CASE(a_reply_at_the_wrong_place_is_not_a_success) {
  for (std::string script : {"250 mx\r\n", "220 mx\r\n354 mx\r\n", "hello\r\n", "22\r\n",
                             "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n250 go\r\n250 ok\r\n",
                             "220-mx\r\n250 mx\r\n", "999 mx\r\n", "220mx\r\n"}) {
    auto played = play(script, {.sender = "", .recipients = {"a@x"}, .size = {}});
    BOOST_TEST_CONTEXT(script) {
      BOOST_TEST(played.lines.size() == 1u);
      BOOST_TEST(!played.lines.front().starts_with("<a@x> 2"));
      BOOST_TEST(played.said.find("\r\n.\r\n") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_connection_lost_before_the_reply_counts_as_no_reply) {
  auto played = play(std::string(kHello) +
                         "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 "
                         "delivered\r\n",
                     {.sender = "", .recipients = kThree, .size = {}});
  BOOST_TEST(played.lines[0] == "<a@x> 250 2.0.0 delivered");
  BOOST_TEST(played.lines[1] == "<b@x> read the reply: Connection reset by peer");
  BOOST_TEST(played.lines[2] == "<c@x> read the reply: Connection reset by peer");
}

BOOST_AUTO_TEST_CASE(a_message_that_cannot_be_read_to_its_end_is_not_delivered) {
  auto read = [first = true](char* buffer, std::size_t) mutable -> Result<std::size_t> {
    if (!first) return Error{EIO, "read the message", {}};
    first = false;
    return std::string("half\n").copy(buffer, 5);
  };
  auto played =
      play(std::string_view("220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n250 delivered\r\n"),
           {.sender = "", .recipients = {"a@x"}, .size = {}}, read);
  BOOST_TEST(played.said.ends_with("half\r\n"));
  BOOST_TEST(played.lines ==
             std::vector<std::string>{"<a@x> read the message: Input/output error"});
}

// The last reply of the server is more informative than a broken pipe.
BOOST_AUTO_TEST_CASE(replies_of_a_server_that_closes_during_data_are_read) {
  auto ends = connected();
  std::string script =
      "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n421 4.3.2 shutting down\r\n";
  BOOST_REQUIRE(::write(ends.server.get(), script.data(), script.size()) > 0);
  sys::Stream stream(std::move(ends.client));
  LmtpClient client(stream, "client.example", kShort);
  auto outcomes = client.deliver(
      {.sender = "", .recipients = {"a@x"}, .size = {}},
      [&](char* buffer, std::size_t size) -> Result<std::size_t> {
        ends.server.reset();
        std::fill_n(buffer, size, 'x');
        return size;
      },
      [](const Outcome&) {});
  BOOST_TEST(line_of(outcomes.front()) == "<a@x> 421 4.3.2 shutting down");
}

BOOST_AUTO_TEST_CASE(a_silent_server_times_out) {
  auto ends = connected();
  sys::Stream stream(std::move(ends.client));
  LmtpClient client(stream, "h",
                    {.reply = seconds(0), .block = seconds(0), .final_reply = seconds(0)});
  auto greeting = client.read_greeting();
  BOOST_TEST(greeting.code == 0);
  BOOST_TEST(greeting.text == "read the reply: Connection timed out");
}

// X3, X4, X7: a parameter is sent if its keyword was announced.
BOOST_AUTO_TEST_CASE(parameters_are_sent_only_if_announced) {
  auto mail = [](const std::string& keywords, const Submission& submission) {
    auto said =
        play("220 mx\r\n250-mx\r\n" + keywords + "250 NOOP\r\n550 5.0.0 no\r\n", submission).said;
    auto begin = said.find("MAIL");
    return said.substr(begin, said.find("\r\n", begin) - begin);
  };
  Submission plain{.sender = "s@y", .recipients = {"a@x"}, .size = 42};
  Submission utf8{.sender = "s@y", .recipients = {"b\xc3\xbc@x"}, .size = {}};
  BOOST_TEST(mail("", plain) == "MAIL FROM:<s@y>");
  BOOST_TEST(mail("250-size 100\r\n", plain) == "MAIL FROM:<s@y> SIZE=42");
  BOOST_TEST(mail("250-SIZE\r\n", utf8) == "MAIL FROM:<s@y>");
  BOOST_TEST(mail("250-8BITMIME\r\n250-SMTPUTF8\r\n", plain) == "MAIL FROM:<s@y> BODY=8BITMIME");
  BOOST_TEST(mail("250-8BITMIME\r\n250-SMTPUTF8\r\n", utf8) ==
             "MAIL FROM:<s@y> BODY=8BITMIME SMTPUTF8");
}

// X1: a peer that replies only after all commands of a group.
BOOST_AUTO_TEST_CASE(commands_are_sent_in_one_group_if_pipelining_is_announced_X1) {
  auto ends = connected();
  std::string seen;
  std::thread server([&] {
    auto say = [&](const std::string& text) {
      BOOST_REQUIRE(::write(ends.server.get(), text.data(), text.size()) > 0);
    };
    auto until = [&](std::string_view text) {
      char buffer[4096];
      while (seen.find(text) == std::string::npos) {
        auto n = ::read(ends.server.get(), buffer, sizeof buffer);
        if (n <= 0) return;
        seen.append(buffer, static_cast<std::size_t>(n));
      }
    };
    say("220 mx\r\n");
    until("LHLO client.example\r\n");
    say("250-mx\r\n250 PIPELINING\r\n");
    until("RCPT TO:<c@x>\r\n");
    say("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n");
    until("DATA\r\n");
    say("354 go\r\n");
    until("\r\n.\r\n");
    say("250 a\r\n250 b\r\n250 c\r\n");
    until("QUIT\r\n");
    say("221 bye\r\n");
  });
  sys::Stream stream(std::move(ends.client));
  LmtpClient client(stream, "client.example", kShort);
  auto outcomes = client.deliver({.sender = "", .recipients = kThree, .size = {}}, reading("x\n"),
                                 [](const Outcome&) {});
  server.join();
  BOOST_TEST(line_of(outcomes[2]) == "<c@x> 250 c");
}

// Without PIPELINING, a command is sent only after the reply to the previous one.
BOOST_AUTO_TEST_CASE(commands_are_sent_one_by_one_without_pipelining) {
  auto played =
      play("220 mx\r\n250 mx\r\n250 ok\r\n", {.sender = "", .recipients = kThree, .size = {}});
  BOOST_TEST(played.said == "LHLO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@x>\r\n");
}

BOOST_AUTO_TEST_CASE(many_recipients_are_sent_in_several_groups) {
  std::string script = std::string(kHello) + "250 ok\r\n";
  Submission submission{.sender = "", .recipients = {}, .size = {}};
  for (int i = 0; i < 1000; ++i) {
    submission.recipients.push_back("u" + std::to_string(i) + "@x");
    script += i % 2 == 0 ? "250 ok\r\n" : "550 5.1.1 no\r\n";
  }
  script += "354 go\r\n";
  for (int i = 0; i < 1000; i += 2) script += "250 2.0.0 u" + std::to_string(i) + "\r\n";
  auto played = play(script, submission);
  BOOST_TEST(played.lines.size() == 1000u);
  BOOST_TEST(played.lines[998] == "<u998@x> 250 2.0.0 u998");
  BOOST_TEST(played.lines[999] == "<u999@x> 550 5.1.1 no");
}

BOOST_AUTO_TEST_CASE(an_endless_reply_is_aborted) {
  for (std::string script : {std::string(100000, 'x'), "220 " + std::string(100000, 'x')}) {
    auto played = play(script, {.sender = "", .recipients = {"a@x"}, .size = {}});
    BOOST_TEST(played.lines.front() == "<a@x> read the reply: Protocol error");
  }
}

BOOST_AUTO_TEST_SUITE_END()
