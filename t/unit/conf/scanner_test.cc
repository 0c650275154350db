// The settings sieve.spamtest and sieve.virustest.
#include "conf/scanner.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(conf_scanner)

BOOST_AUTO_TEST_CASE(a_scanner_of_spam_has_a_field_and_the_highest_score) {
  auto spam = conf::parse_spam_scanner("X-Spam-Score  10");
  BOOST_REQUIRE(spam.has_value());
  BOOST_TEST(spam->field == "X-Spam-Score");
  BOOST_TEST(spam->most == 10u);
  for (const auto* bad :
       {"", "X-Spam-Score", "X-Spam-Score 0", "X-Spam-Score ten", "X-Spam-Score 10 15",
        "X-Spam-Score: 10", "X-Spam-Score -1", "X-Spam-Score 99999999999"})
    BOOST_TEST(!conf::parse_spam_scanner(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(a_scanner_of_viruses_has_a_field_and_words_for_results) {
  auto virus = conf::parse_virus_scanner("X-Virus-Status Clean=1 Infected=5");
  BOOST_REQUIRE(virus.has_value());
  BOOST_TEST(virus->field == "X-Virus-Status");
  BOOST_TEST(virus->words[1] == "Clean");
  BOOST_TEST(virus->words[5] == "Infected");
  BOOST_TEST(virus->words[0] == "");
  for (const auto* bad : {"", "X-Virus-Status", "X-Virus-Status Clean", "X-Virus-Status Clean=6",
                          "X-Virus-Status =1", "X-Virus-Status Clean=", "X:Y Clean=1"})
    BOOST_TEST(!conf::parse_virus_scanner(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
