// Log lines: input from a peer cannot escape from its field.
#include "sys/log.hh"

#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <regex>
#include <string>
#include <vector>

#include "in_child.hh"

using namespace handoff::sys;

namespace {

// Returns what a log writes to standard error.
template <class Body>
std::string written(Body body) {
  std::array<int, 2> ends;
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  in_child([&]() -> std::string {
    ::dup2(ends[1], STDERR_FILENO);
    body();
    return "";
  });
  ::close(ends[1]);
  std::string out(1 << 16, ' ');
  auto n = ::read(ends[0], out.data(), out.size());
  ::close(ends[0]);
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_log)

BOOST_AUTO_TEST_CASE(a_line_is_a_message_and_fields) {
  BOOST_TEST(format_text("delivered", {{"id", "1.M2"}, {"size", 42}}) ==
             "delivered id=1.M2 size=42");
  BOOST_TEST(format_json("delivered", {{"id", "1.M2"}, {"size", 42}}) ==
             R"("msg":"delivered","id":"1.M2","size":"42")");
}

BOOST_AUTO_TEST_CASE(fields_without_a_value_are_left_out) {
  BOOST_TEST(format_text("m", {{"a", ""}, {"b", "x"}}) == "m b=x");
  BOOST_TEST(format_json("m", {{"a", ""}, {"b", "x"}}) == R"("msg":"m","b":"x")");
}

BOOST_AUTO_TEST_CASE(values_that_a_reader_could_mistake_are_quoted) {
  BOOST_TEST(format_text("m", {{"reply", "250 2.0.0 ok"}}) == R"(m reply="250 2.0.0 ok")");
  BOOST_TEST(format_text("m", {{"a", "b=c"}}) == R"(m a="b=c")");
  BOOST_TEST(format_text("m", {{"a", "say \"x\" \\"}}) == R"(m a="say \"x\" \\")");
}

BOOST_AUTO_TEST_CASE(octets_from_the_peer_cannot_create_a_line_or_a_field) {
  std::string evil("a\r\nb\0c\x1b[31m\x7f\xc3\xa4 id=forged", 24);
  auto text = format_text("m", {{"to", evil}});
  BOOST_TEST(text == R"(m to="a\x0d\x0ab\x00c\x1b[31m\x7f\xc3\xa4 id=forged")");
  auto json = format_json("m", {{"to", evil}});
  BOOST_TEST(json == R"("msg":"m","to":"a\u000d\u000ab\u0000c\u001b[31m\u007fä id=forged")");
  for (int c = 0; c < 256; ++c) {
    std::string octet(1, static_cast<char>(c));
    for (const auto& line : {format_text("m", {{"k", octet}}), format_json("m", {{"k", octet}})}) {
      for (char out : line) BOOST_TEST((out >= ' ' && out < 0x7f));
    }
  }
}

BOOST_AUTO_TEST_CASE(lines_on_standard_error_have_time_and_process) {
  auto out = written([] { Log(LogFormat::kText, Level::kInfo).info("ready", {{"a", "b"}}); });
  std::regex shape(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z handoffd\[\d+\]: ready a=b\n)");
  BOOST_TEST(std::regex_match(out, shape), out);
  out = written([] { Log(LogFormat::kText, Level::kInfo).error("broken"); });
  BOOST_TEST(std::regex_search(out, std::regex(R"(\]: error: broken\n$)")), out);
  out = written([] { Log(LogFormat::kJson, Level::kInfo).warning("odd", {{"a", "b"}}); });
  std::regex object(R"re(\{"time":"[^"]+Z","level":"warning","pid":\d+,"msg":"odd","a":"b"\}\n)re");
  BOOST_TEST(std::regex_match(out, object), out);
}

BOOST_AUTO_TEST_CASE(lines_below_the_configured_level_are_not_written) {
  auto out = written([] {
    Log log(LogFormat::kText, Level::kWarning);
    log.debug("one");
    log.info("two");
    log.warning("three");
    log.error("four");
  });
  BOOST_TEST(out.find("one") == out.npos);
  BOOST_TEST(out.find("two") == out.npos);
  BOOST_TEST(out.find("three") != out.npos);
  BOOST_TEST(out.find("four") != out.npos);
}

BOOST_AUTO_TEST_CASE(a_failure_to_log_is_ignored) {
  auto said = in_child([]() -> std::string {
    ::close(STDERR_FILENO);
    Log(LogFormat::kText, Level::kInfo).info("ready");
    return "went on";
  });
  BOOST_TEST(said == "went on");
}

BOOST_AUTO_TEST_CASE(facilities_are_known_by_name) {
  BOOST_TEST(syslog_facility("mail") == LOG_MAIL);
  BOOST_TEST(syslog_facility("daemon") == LOG_DAEMON);
  BOOST_TEST(syslog_facility("local0") == LOG_LOCAL0);
  BOOST_TEST(syslog_facility("local7") == LOG_LOCAL7);
  for (const char* name : {"local8", "local", "local10", "", "MAIL", "kern"}) {
    BOOST_TEST(syslog_facility(name) == -1);
  }
}

BOOST_AUTO_TEST_CASE(held_lines_are_written_together_and_do_not_mix_in_a_pipe) {
  std::array<int, 2> ends;
  // One packet for each write.
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()) == 0);
  in_child([&]() -> std::string {
    ::dup2(ends[1], STDERR_FILENO);
    Log log(LogFormat::kText, Level::kInfo);
    {
      Log::Together lines(log);
      log.info("one");
      log.info("two");
      lines.flush();
      for (int i = 0; i < 3; ++i) log.info("long", {{"x", std::string(3000, 'x')}});
    }
    log.info("by itself");
    log.info("and this");
    return "";
  });
  ::close(ends[1]);
  std::vector<std::string> writes;
  std::string packet(1 << 16, ' ');
  while (true) {
    auto n = ::read(ends[0], packet.data(), packet.size());
    if (n <= 0) break;
    writes.push_back(packet.substr(0, static_cast<std::size_t>(n)));
    BOOST_TEST(writes.back().back() == '\n');
    BOOST_TEST(writes.back().size() <= 4096u);
  }
  ::close(ends[0]);
  std::vector<std::ptrdiff_t> lines;
  for (const auto& each : writes) lines.push_back(std::ranges::count(each, '\n'));
  BOOST_TEST((lines == std::vector<std::ptrdiff_t>{2, 1, 1, 1, 1, 1}));
}

BOOST_AUTO_TEST_CASE(a_child_does_not_write_the_held_lines_of_its_parent) {
  auto out = written([] {
    Log log(LogFormat::kText, Level::kInfo);
    Log::Together lines(log);
    log.info("the parent's");
    in_child([&]() -> std::string {
      log.info("the child's");
      lines.flush();
      return "";
    });
  });
  BOOST_TEST(std::regex_search(out, std::regex("child's\n[^\n]*parent's\n$")));
  BOOST_TEST(std::ranges::count(out, '\n') == 2);
}

BOOST_AUTO_TEST_SUITE_END()
