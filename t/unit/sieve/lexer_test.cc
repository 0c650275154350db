#include "sieve/lexer.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff::sieve;

namespace {

Token first(std::string_view script) {
  static const Limits kLimits;
  return Lexer(script, kLimits).next();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sieve_lexer)

BOOST_AUTO_TEST_CASE(quantifiers_of_numbers_are_powers_of_two_F1) {
  BOOST_TEST(first("100").number == 100u);
  BOOST_TEST(first("2k").number == 2048u);
  BOOST_TEST(first("1M").number == 1048576u);
  BOOST_TEST(first("3G").number == 3u << 30);
  BOOST_TEST(first("18446744073709551615").number == 18446744073709551615u);
  for (const auto* bad : {"18446744073709551616", "17179869184G", "12x"})
    BOOST_TEST((first(bad).kind == TokenKind::kBad), bad);
}

BOOST_AUTO_TEST_CASE(a_backslash_in_a_string_quotes_any_character_F1) {
  BOOST_TEST(first(R"("a\"b\\c\d")").text == R"(a"b\cd)");
  BOOST_TEST((first("\"open").kind == TokenKind::kBad));
}

BOOST_AUTO_TEST_CASE(multi_line_text_ends_at_a_dot_and_undoes_stuffing_F1) {
  auto token = first("text: # comment\n..a\n.b\n.\n;");
  BOOST_TEST((token.kind == TokenKind::kString));
  BOOST_TEST(token.text == ".a\r\n.b\r\n");
  BOOST_TEST((first("text:\nno end").kind == TokenKind::kBad));
  BOOST_TEST((first("text: no\n.\n").kind == TokenKind::kBad));
}

BOOST_AUTO_TEST_CASE(lines_in_strings_end_in_crlf_even_if_those_of_the_file_do_not_F1) {
  BOOST_TEST(first("\"a\nb\"").text == "a\r\nb");
  BOOST_TEST(first("\"a\r\nb\"").text == "a\r\nb");
}

BOOST_AUTO_TEST_CASE(comments_count_as_blanks_and_may_name_a_rule_F1) {
  auto token = first("/* one\n two */ # rule:[Lists and more]\n keep");
  BOOST_TEST(token.text == "keep");
  BOOST_TEST(token.line == 3u);
  BOOST_TEST(token.rule == "Lists and more");
  BOOST_TEST((first("/* open").kind == TokenKind::kBad));
}

BOOST_AUTO_TEST_SUITE_END()
