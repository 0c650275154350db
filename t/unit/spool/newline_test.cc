// CRLF becomes LF and nothing else changes, however the octets are split (S8).
#include "spool/newline.hh"

#include <boost/test/unit_test.hpp>

using handoff::spool::CrlfToLf;

namespace {

std::string converted(std::initializer_list<std::string_view> pieces) {
  CrlfToLf newlines;
  std::string out;
  for (auto piece : pieces) newlines.convert(piece, out);
  newlines.finish(out);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_newline)

BOOST_AUTO_TEST_CASE(crlf_becomes_lf_and_a_bare_cr_or_lf_stays_S8) {
  BOOST_TEST(converted({"a\r\nb\r\n"}) == "a\nb\n");
  BOOST_TEST(converted({"a\rb\nc\n\rd"}) == "a\rb\nc\n\rd");
  BOOST_TEST(converted({"\r\r\n\r"}) == "\r\n\r");
  BOOST_TEST(converted({"\r\n\r\n"}) == "\n\n");
  BOOST_TEST(converted({""}) == "");
  BOOST_TEST((converted({std::string_view("\0\r\n\xff\0", 5)}) == std::string("\0\n\xff\0", 4)));
}

BOOST_AUTO_TEST_CASE(at_every_split_the_outcome_is_the_same_S8) {
  const std::string text("\r\n\ra\r\n\r\r\nb\n\n\r\r\r\n\0\r\n.\r\n\r", 24);
  auto whole = converted({text});
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (std::size_t j = i; j <= text.size(); ++j) {
      std::string_view view = text;
      auto cut = converted({view.substr(0, i), view.substr(i, j - i), view.substr(j)});
      BOOST_TEST((cut == whole), "split at " << i << " and " << j);
    }
  }
  CrlfToLf newlines;
  std::string out;
  for (char c : text) newlines.convert({&c, 1}, out);
  newlines.finish(out);
  BOOST_TEST((out == whole));
}

BOOST_AUTO_TEST_CASE(a_buffered_cr_is_written_before_later_octets) {
  CrlfToLf newlines;
  std::string out;
  newlines.convert("a\r", out);
  BOOST_TEST(out == "a");
  newlines.convert("", out);
  BOOST_TEST(out == "a");
  newlines.convert("b", out);
  BOOST_TEST(out == "a\rb");
  newlines.finish(out);
  BOOST_TEST(out == "a\rb");
}

BOOST_AUTO_TEST_CASE(after_finish_the_conversion_starts_again) {
  CrlfToLf newlines;
  std::string out;
  newlines.convert("a\r", out);
  newlines.finish(out);
  newlines.convert("\n", out);
  BOOST_TEST(out == "a\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
