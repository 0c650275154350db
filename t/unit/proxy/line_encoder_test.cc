#include "proxy/line_encoder.hh"

#include <boost/test/unit_test.hpp>

using handoff::proxy::LineEncoder;

namespace {

std::string encoded(std::string_view message, std::size_t piece) {
  LineEncoder encoder;
  std::string out;
  for (std::size_t at = 0; at < message.size(); at += piece) {
    encoder.encode(message.substr(at, piece), out);
  }
  encoder.finish(out);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(proxy_line_encoder)

// The result is independent of how the message is split.
BOOST_AUTO_TEST_CASE(lines_end_in_crlf_and_dots_are_stuffed_S7) {
  const std::pair<std::string, std::string> kCases[] = {
      {"", ".\r\n"},
      {"a\nb\n", "a\r\nb\r\n.\r\n"},
      {"a\r\nb\r\n", "a\r\nb\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {".\n..\n.a\na.\n", "..\r\n...\r\n..a\r\na.\r\n.\r\n"},
      {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r.\rb\n", "a\r.\rb\r\n.\r\n"},
      {"\n\n", "\r\n\r\n.\r\n"},
      {"\r\r\n.\n", "\r\r\n..\r\n.\r\n"},
      {std::string("\0\xff\n", 3), std::string("\0\xff\r\n.\r\n", 7)},
  };
  for (const auto& [message, wanted] : kCases) {
    for (std::size_t piece = 1; piece <= message.size() + 1; ++piece) {
      BOOST_TEST(encoded(message, piece) == wanted);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
