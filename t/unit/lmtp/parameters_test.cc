// The syntax of ESMTP parameters.
#include "lmtp/parameters.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff::lmtp;

BOOST_AUTO_TEST_SUITE(lmtp_parameters)

BOOST_AUTO_TEST_CASE(words_are_keywords_with_or_without_a_value_S5) {
  auto parameters = parse_parameters("  A B=c  X-9=!#~\\\" size=10 ");
  BOOST_TEST(parameters.malformed == "");
  BOOST_TEST(parameters.list.size() == 4u);
  BOOST_TEST(parameters.list[0].keyword == "A");
  BOOST_TEST(!parameters.list[0].value.has_value());
  BOOST_TEST(parameters.list[1].keyword == "B");
  BOOST_TEST(*parameters.list[1].value == "c");
  BOOST_TEST(*parameters.list[2].value == "!#~\\\"");
  BOOST_TEST(*parameters.list[3].value == "10");
  BOOST_TEST(parse_parameters("").list.empty());
  BOOST_TEST(parse_parameters("   ").list.empty());
}

BOOST_AUTO_TEST_CASE(the_first_malformed_word_is_named_S5) {
  for (std::string word : {"=1", "A=", "-A", "A_B", "A=b=c", "A=\x01", "A=b\tc", "A\t", "\xc3\xbc",
                           "<a@b>", "A.B=1"}) {
    const std::string text = "X=1 " + word + " Y= Z=";
    auto parameters = parse_parameters(text);
    BOOST_TEST(parameters.malformed == word);
  }
}

BOOST_AUTO_TEST_CASE(a_keyword_may_occur_once_in_any_case_S5) {
  BOOST_TEST(parse_parameters("A B a").malformed == "a");
  BOOST_TEST(parse_parameters("Size=1 SIZE=2").malformed == "SIZE=2");
  BOOST_TEST(parse_parameters("A=B B=A").malformed == "");
}

BOOST_AUTO_TEST_SUITE_END()
