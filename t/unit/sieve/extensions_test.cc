// The extensions, each in a few lines; Pigeonhole's own tests are more thorough (t/interop).
#include <boost/test/unit_test.hpp>

#include "sieve/scripted.hh"

using namespace handoff::sieve;
using boost::test_tools::per_element;

BOOST_AUTO_TEST_SUITE(sieve_extensions)

BOOST_FIXTURE_TEST_CASE(variables_take_values_modifiers_and_matches_F11, Scripted) {
  BOOST_TEST(plan("require [\"variables\",\"fileinto\"]; if header :matches \"subject\" \"* at *\" "
                  "{ set :lower \"x\" \"${1}\"; fileinto \"${x}.${2}${none}\"; }") ==
                 Plans{"store lunch.Caf\xc3\xa9"},
             per_element());
  BOOST_TEST(plan("require [\"variables\",\"fileinto\"]; set :upperfirst :lower \"a\" \"hELLO\"; "
                  "fileinto \"${a}\";") == Plans{"store Hello"},
             per_element());
  BOOST_TEST(plan("require [\"variables\",\"fileinto\"]; set :length \"a\" \"caf\xc3\xa9\"; "
                  "fileinto \"${a}\";") == Plans{"store 4"},
             per_element());
  BOOST_TEST(plan("require [\"variables\",\"fileinto\"]; set \"a\" \"$\"; fileinto \"${a}{a}\";") ==
                 Plans{"store ${a}"},
             per_element());
}

BOOST_FIXTURE_TEST_CASE(encoded_characters_are_decoded_F1, Scripted) {
  BOOST_TEST(plan("require [\"encoded-character\",\"fileinto\"]; fileinto \"${hex:43 "
                  "61}f${unicode: 00e9}${hex:zz}\";") == Plans{"store Caf\xc3\xa9${hex:zz}"},
             per_element());
  BOOST_TEST(!fault("require [\"encoded-character\",\"fileinto\"]; fileinto \"${unicode:d800}\";")
                  .empty());
}

BOOST_FIXTURE_TEST_CASE(body_tests_decoded_parts_F13, Scripted) {
  BOOST_TEST(holds("\"body\"", "body :text :contains \"caf\xc3\xa9\"", kParts));
  BOOST_TEST(holds("\"body\"", "body :text :contains \"Hello & \"", kParts));
  BOOST_TEST(!holds("\"body\"", "body :text :contains \"<b>\"", kParts));
  BOOST_TEST(holds("\"body\"", "body :content \"text/html\" :contains \"<b>\"", kParts));
  BOOST_TEST(holds("\"body\"", "body :content \"multipart\" :contains \"prologue\"", kParts));
  BOOST_TEST(holds("\"body\"", "body :raw :contains \"Caf=E9\"", kParts));
}

BOOST_FIXTURE_TEST_CASE(dates_have_parts_in_any_zone_F14, Scripted) {
  constexpr std::string_view kDated = "Date: Mon, 20 Jul 2009 21:44:43 +0300\r\n\r\n";
  BOOST_TEST(holds("\"date\"", "date :originalzone \"date\" \"hour\" \"21\"", kDated));
  BOOST_TEST(holds("\"date\"", "date :zone \"+0000\" \"date\" \"time\" \"18:44:43\"", kDated));
  BOOST_TEST(holds("\"date\"", "date :originalzone \"date\" \"weekday\" \"1\"", kDated));
  BOOST_TEST(holds("\"date\"", "currentdate \"iso8601\" \"2023-11-14T22:13:20Z\""));
  BOOST_TEST(holds("\"date\"", "date :zone \"+0000\" \"received\" \"date\" \"1997-04-01\"",
                   "Received: from a (b; c) by d; Tue, 1 Apr 1997 09:06:31 -0800 (x; y)\r\n\r\n"));
  BOOST_TEST(!holds("\"date\"", "date :matches \"date\" \"year\" \"*\"",
                    "Date: Moo, 34 Juul 3060\r\n\r\n"));
}

BOOST_FIXTURE_TEST_CASE(the_header_can_be_edited_but_not_its_trace_fields_F15, Scripted) {
  constexpr std::string_view kTraced = "Received: from a\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody\r\n";
  auto ran =
      run("require \"editheader\"; deleteheader \"received\"; deleteheader :index 1 \"x-a\"; "
          "addheader \"X-B\" \"caf\xc3\xa9\"; addheader :last \"X-C\" \"d\";",
          kTraced);
  BOOST_TEST(stored(ran, kTraced) ==
             "X-B: =?UTF-8?b?Y2Fmw6k=?=\r\nReceived: from a\r\nX-A: 2\r\nX-C: d\r\n\r\nbody\r\n");
  BOOST_TEST(!fault("require \"editheader\"; addheader \"X B\" \"c\";").empty());
}

// RFC 5293 7: keep; addheader "X-Flavor" "vanilla"; keep; must store one message.
BOOST_FIXTURE_TEST_CASE(copies_that_differ_in_edited_headers_count_as_one_F15, Scripted) {
  BOOST_TEST(plan("require [\"editheader\",\"fileinto\",\"copy\"]; keep; addheader \"X-Flavor\" "
                  "\"vanilla\"; keep; fileinto \"a\"; addheader \"X\" \"y\"; fileinto \"a\";") ==
                 (Plans{"keep", "store a"}),
             per_element());
  BOOST_TEST(
      plan("require [\"editheader\",\"fileinto\",\"copy\"]; fileinto :copy \"INBOX\"; addheader "
           "\"X\" \"y\";") == Plans{"store INBOX"},
      per_element());
  BOOST_TEST(
      plan("require [\"replace\",\"fileinto\"]; fileinto \"a\"; replace \"x\"; fileinto \"a\";") ==
          (Plans{"store a", "store a"}),
      per_element());
}

BOOST_FIXTURE_TEST_CASE(a_script_cannot_remove_what_prevents_loops_F15, Scripted) {
  BOOST_TEST(plan("require \"editheader\"; deleteheader \"X-Sieve-Redirected-From\"; redirect "
                  "\"a@b.example\";",
                  "X-Sieve-Redirected-From: lee@example.org\r\n\r\n") == Plans{"keep"},
             per_element());
  BOOST_TEST(
      plan("require \"editheader\"; addheader \"X-Sieve-Redirected-From\" \"lee@example.org\"; "
           "redirect \"a@b.example\";") == Plans{"redirect a@b.example"},
      per_element());
}

BOOST_FIXTURE_TEST_CASE(a_copy_has_the_header_as_edited_before_its_action_F15, Scripted) {
  auto ran =
      run("require [\"editheader\",\"fileinto\"]; fileinto \"a\"; addheader \"X\" \"y\"; fileinto "
          "\"b\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 2u);
  BOOST_TEST(!std::get<Copy>(ran.plan.actions[0]).edited.any());
  BOOST_TEST(std::get<Copy>(ran.plan.actions[1]).edited.any());
}

BOOST_FIXTURE_TEST_CASE(a_duplicate_is_recorded_by_the_plan_and_not_by_the_test_F20, Scripted) {
  constexpr std::string_view kScript = "require \"duplicate\"; if duplicate { discard; }";
  auto ran = run(kScript);
  BOOST_REQUIRE(ran.plan.marks.size() == 1u);
  BOOST_TEST(ran.plan.actions.size() == 1u);
  site.known.push_back(ran.plan.marks[0].id);
  BOOST_TEST(run(kScript).plan.discarded);
  BOOST_TEST(run("require \"duplicate\"; if duplicate :seconds 0 { discard; }").plan.marks.empty());
}

// RFC 7352 3.1, 3.2.
BOOST_FIXTURE_TEST_CASE(an_id_counts_wherever_it_is_from_F20, Scripted) {
  auto mark = [&](const std::string& tags) {
    auto ran =
        run("require [\"duplicate\",\"variables\"]; if header :matches \"message-id\" \"*\" { if "
            "duplicate " +
            tags + " { discard; } }");
    BOOST_REQUIRE(ran.faults.empty());
    return ran.plan.marks.empty() ? "" : ran.plan.marks[0].id;
  };
  auto id = mark("");
  BOOST_TEST(mark(":header \"message-id\"") == id);
  BOOST_TEST(mark(":uniqueid \"${0}\"") == id);
  BOOST_TEST(mark(":handle \"a\"") != id);
  BOOST_TEST(mark(":header \"subject\"") == mark(":uniqueid \"Lunch at Caf\xc3\xa9\""));
  BOOST_TEST(mark(":header \"a b\"") == "");
}

BOOST_FIXTURE_TEST_CASE(scripts_can_test_whether_folders_and_special_uses_exist_F23, Scripted) {
  site.folders.insert("a");
  BOOST_TEST(holds("\"mailbox\"", "mailboxexists \"a\""));
  BOOST_TEST(!holds("\"mailbox\"", "mailboxexists [\"a\",\"b\"]"));
  BOOST_TEST(holds("\"special-use\"", "specialuse_exists \"\\\\Junk\""));
  auto ran =
      run("require [\"fileinto\",\"mailbox\",\"special-use\"]; fileinto :create :specialuse "
          "\"\\\\Junk\" \"Spam\";");
  const auto& copy = std::get<Copy>(ran.plan.actions.at(0));
  BOOST_TEST(copy.create);
  BOOST_TEST(copy.special_use == "\\Junk");
}

BOOST_FIXTURE_TEST_CASE(results_of_scanners_become_numbers_F24, Scripted) {
  facts.spam.header = "X-Spam";
  facts.spam.pattern = "score=([0-9.]+)";
  facts.spam.most = 5;
  BOOST_TEST(holds("\"spamtest\",\"relational\",\"comparator-i;ascii-numeric\"",
                   "spamtest :value \"eq\" :comparator \"i;ascii-numeric\" \"10\"",
                   "X-Spam: Yes, score=7\r\n\r\n"));
  BOOST_TEST(holds("\"spamtestplus\"", "spamtest :percent \"50\"", "X-Spam: score=2.5\r\n\r\n"));
  BOOST_TEST(holds("\"spamtest\"", "spamtest \"0\""));
}

// RFC 5235 3.1.
BOOST_FIXTURE_TEST_CASE(the_count_says_whether_a_message_was_scanned_F24, Scripted) {
  facts.spam.header = "X-Spam";
  facts.spam.most = 5;
  facts.virus.header = "X-Virus";
  facts.virus.type = Facts::Scanner::Type::kText;
  facts.virus.words = {"", "clean"};
  auto counted = [&](const std::string& test, const std::string& message) {
    return holds("\"spamtestplus\",\"virustest\",\"relational\",\"comparator-i;ascii-numeric\"",
                 test + " :count \"eq\" :comparator \"i;ascii-numeric\" \"1\"", message);
  };
  BOOST_TEST(counted("spamtest", "X-Spam: 0\r\n\r\n"));
  BOOST_TEST(!counted("spamtest", "X-Other: 0\r\n\r\n"));
  BOOST_TEST(counted("spamtest :percent", "X-Spam: 0\r\n\r\n"));
  BOOST_TEST(!counted("spamtest :percent", "\r\n"));
  BOOST_TEST(counted("virustest", "X-Virus: clean\r\n\r\n"));
  BOOST_TEST(!counted("virustest", "X-Virus: unknown\r\n\r\n"));
}

BOOST_FIXTURE_TEST_CASE(the_items_of_environment_describe_the_delivery_F25, Scripted) {
  BOOST_TEST(holds("\"environment\"", "environment \"domain\" \"example.org\""));
  BOOST_TEST(holds("\"environment\"", "environment \"phase\" \"during\""));
  BOOST_TEST(!holds("\"environment\"", "environment :contains \"nonsense\" \"\""));
}

BOOST_FIXTURE_TEST_CASE(a_score_may_be_a_number_or_stars_F7, Scripted) {
  facts.spam.header = "X-Spam";
  facts.spam.type = Facts::Scanner::Type::kScoreOrStars;
  facts.spam.most = 10;
  auto scanned = [&](const std::string& value, const std::string& expected) {
    auto test = "spamtest :value \"eq\" :comparator \"i;ascii-numeric\" \"" + expected + "\"";
    return holds("\"spamtest\",\"relational\",\"comparator-i;ascii-numeric\"", test,
                 "X-Spam: " + value + "\r\n\r\nHello.\r\n");
  };
  BOOST_TEST(scanned("10.5 / 15", "10"));
  BOOST_TEST(scanned("-2.1", "1"));
  BOOST_TEST(scanned("5", "5"));
  BOOST_TEST(scanned("*****", "5"));
  BOOST_TEST(scanned("", "1"));
  BOOST_TEST(scanned("no", "0"));
}

BOOST_AUTO_TEST_SUITE_END()
