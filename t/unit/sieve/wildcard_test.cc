#include "sieve/wildcard.hh"

#include <boost/test/unit_test.hpp>

#include "sieve/comparator.hh"
#include "sieve/regex.hh"

using namespace handoff::sieve;
using boost::test_tools::per_element;

namespace {

using Values = std::vector<std::string>;

// Returns the values of a match, or nothing.
Values match(std::string_view pattern, std::string_view text,
             std::string_view comparator = "i;ascii-casemap") {
  Values values;
  std::uint64_t work = 1'000'000;
  if (!match_wildcards(pattern, text, *find_comparator(comparator), &values, work)) return {};
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sieve_wildcard)

BOOST_AUTO_TEST_CASE(a_star_matches_as_little_as_possible_F11) {
  BOOST_TEST(match("*-*", "a-b-c") == (Values{"a-b-c", "a", "b-c"}), per_element());
  BOOST_TEST(match("[*] *", "[List] hello") == (Values{"[List] hello", "List", "hello"}),
             per_element());
  BOOST_TEST(match("*a*", "aaa") == (Values{"aaa", "", "aa"}), per_element());
  BOOST_TEST(match("*", "") == (Values{"", ""}), per_element());
  BOOST_TEST(match("a*bc", "abcbc") == (Values{"abcbc", "bc"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_question_mark_matches_a_character_and_with_i_octet_an_octet_F11) {
  BOOST_TEST(match("caf?", "caf\xc3\xa9") == (Values{"caf\xc3\xa9", "\xc3\xa9"}), per_element());
  BOOST_TEST(match("caf?", "caf\xc3\xa9", "i;octet").empty());
  BOOST_TEST(match("caf??", "caf\xc3\xa9", "i;octet").size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_backslash_makes_a_wildcard_ordinary_F11) {
  BOOST_TEST(match("\\*\\?", "*?").size() == 1u);
  BOOST_TEST(match("\\*", "a").empty());
}

BOOST_AUTO_TEST_CASE(the_match_of_a_pattern_that_would_take_long_is_given_up_F3) {
  std::uint64_t work = 1000;
  BOOST_TEST(!match_wildcards("*aaaaaaaaab*", std::string(10'000, 'a'), *find_comparator("i;octet"),
                              nullptr, work));
  BOOST_TEST(work == 0u);
}

BOOST_AUTO_TEST_CASE(comparators_order_as_their_standards_say_F7) {
  auto order = [](const char* name, const char* a, const char* b) {
    return find_comparator(name)->order(a, b);
  };
  BOOST_TEST((order("i;ascii-numeric", "10", "9") > 0));
  BOOST_TEST((order("i;ascii-numeric", "007", "7x") == 0));
  BOOST_TEST((order("i;ascii-numeric", "x", "99999") > 0));
  BOOST_TEST((order("i;ascii-casemap", "ABC", "abc") == 0));
  BOOST_TEST((order("i;octet", "ABC", "abc") < 0));
  BOOST_TEST((order("i;unicode-casemap", "\xc3\x89T\xc3\x89", "\xc3\xa9t\xc3\xa9") == 0));
}

BOOST_AUTO_TEST_CASE(regular_expressions_are_posix_and_the_longest_match_wins_F12) {
  Values values;
  BOOST_TEST(find_regex(*compile_regex("(a|ab)(c|bcd)?", false).value(), "abcd", &values));
  BOOST_TEST(values == (Values{"abcd", "a", "bcd"}), per_element());
  BOOST_TEST(find_regex(*compile_regex("^[]\\.]+$", false).value(), "].\\", nullptr));
  BOOST_TEST(!compile_regex("a(b", false).ok());
  BOOST_TEST(!compile_regex("[a", false).ok());
}

BOOST_AUTO_TEST_SUITE_END()
