// The extensions, each in a few lines; Pigeonhole's own tests are more thorough (t/interop).
#include <boost/test/unit_test.hpp>

#include "sieve/scripted.hh"

using namespace handoff::sieve;
using boost::test_tools::per_element;

namespace {

// Returns the text of the message with which a copy is stored.
std::string stored(const Ran& ran, std::string_view message) {
  const auto& edited = std::get<Copy>(ran.plan.actions.at(0)).edited;
  auto head = message.substr(0, message.find("\r\n\r\n") + 4);
  return (edited.header ? *edited.header : std::string(head)) +
         (edited.body ? *edited.body : std::string(message.substr(head.size())));
}

constexpr std::string_view kParts =
    "From: pat@example.com\r\nTo: lee@example.org\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\nprologue\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\nCaf=E9\r\n"
    "--b\r\nContent-Type: application/x-evil; name=a.exe\r\n\r\nevil\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello &amp; <b>bye</b></p>\r\n"
    "--b--\r\n";

}  // namespace

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
  BOOST_TEST(holds("\"date\"", "currentdate \"iso8601\" \"2023-11-14T22:13:20+00:00\""));
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

BOOST_FIXTURE_TEST_CASE(a_copy_has_the_header_as_edited_before_its_action_F15, Scripted) {
  auto ran =
      run("require [\"editheader\",\"fileinto\"]; fileinto \"a\"; addheader \"X\" \"y\"; fileinto "
          "\"b\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 2u);
  BOOST_TEST(!std::get<Copy>(ran.plan.actions[0]).edited.any());
  BOOST_TEST(std::get<Copy>(ran.plan.actions[1]).edited.any());
}

BOOST_FIXTURE_TEST_CASE(vacation_answers_each_sender_once_F16, Scripted) {
  auto ran = run("require \"vacation\"; vacation \"I am away.\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 2u);
  const auto& reply = std::get<Outgoing>(ran.plan.actions[0]);
  BOOST_TEST(reply.withheld == "");
  BOOST_TEST(reply.from == "");
  BOOST_TEST(reply.to.at(0) == "pat+work@example.com");
  for (const auto* line : {"To: Pat <pat+work@example.com>\r\n", "From: <lee@example.org>\r\n",
                           "Auto-Submitted: auto-replied", "In-Reply-To: <1@example.com>\r\n",
                           "\r\n\r\nI am away.\r\n"}) {
    BOOST_TEST(reply.text.find(line) != std::string::npos, line);
  }
  site.known.push_back(reply.mark->id);
  BOOST_TEST(plan("require \"vacation\"; vacation \"I am away.\";") == (Plans{"no reply", "keep"}),
             per_element());
}

BOOST_FIXTURE_TEST_CASE(vacation_never_answers_lists_programs_or_mail_for_others_F16, Scripted) {
  constexpr std::string_view kScript = "require \"vacation\"; vacation \"away\";";
  for (const auto* field : {"List-Id: <a.example>", "Auto-Submitted: auto-generated",
                            "Precedence: bulk", "X-Auto-Response-Suppress: OOF"}) {
    auto message = "To: lee@example.org\r\n" + std::string(field) + "\r\n\r\n";
    BOOST_TEST(plan(kScript, message) == (Plans{"no reply", "keep"}), field);
  }
  BOOST_TEST(plan(kScript, "To: all@example.org\r\n\r\n") == (Plans{"no reply", "keep"}),
             per_element());
  for (const auto* sender : {"<>", "owner-list@example.com", "mailer-daemon@example.com",
                             "list-request@example.com", "lee@example.org"}) {
    facts.from = sender;
    BOOST_TEST(plan(kScript) == (Plans{"no reply", "keep"}), sender);
  }
}

BOOST_FIXTURE_TEST_CASE(a_duplicate_is_recorded_by_the_plan_and_not_by_the_test_F20, Scripted) {
  constexpr std::string_view kScript = "require \"duplicate\"; if duplicate { discard; }";
  auto ran = run(kScript);
  BOOST_REQUIRE(ran.plan.marks.size() == 1u);
  BOOST_TEST(ran.plan.actions.size() == 1u);
  site.known.push_back(ran.plan.marks[0].id);
  BOOST_TEST(run(kScript).plan.discarded);
}

BOOST_FIXTURE_TEST_CASE(notify_sends_mail_to_each_address_once_F21, Scripted) {
  auto ran =
      run("require \"enotify\"; notify :importance \"1\" :message \"Mail!\" "
          "\"mailto:a@b.example?cc=a@b.example,c@d.example\";");
  const auto& out = std::get<Outgoing>(ran.plan.actions.at(0));
  BOOST_TEST(out.to == (std::vector<std::string>{"a@b.example", "c@d.example"}), per_element());
  BOOST_TEST(out.text.find("X-Priority: 1 (High)\r\n") != std::string::npos);
  BOOST_TEST(out.text.find("Subject: Mail!\r\n") != std::string::npos);
  BOOST_TEST(!fault("require \"enotify\"; notify \"xmpp:a@b.example\";").empty());
  BOOST_TEST(plan("require \"enotify\"; notify \"mailto:a@b.example\";",
                  "Auto-Submitted: auto-replied\r\n\r\n") == (Plans{"no notify", "keep"}),
             per_element());
}

BOOST_FIXTURE_TEST_CASE(each_part_of_a_message_can_be_seen_and_replaced_F22, Scripted) {
  auto ran =
      run("require "
          "[\"foreverypart\",\"mime\",\"replace\",\"extracttext\",\"variables\",\"editheader\"];"
          "foreverypart { if header :mime :param \"name\" :matches \"content-type\" \"*.exe\" { "
          "replace \"Removed.\"; break; } }",
          kParts);
  BOOST_REQUIRE(ran.faults.empty());
  auto text = stored(ran, kParts);
  BOOST_TEST(text.find("evil\r\n") == std::string::npos);
  BOOST_TEST(
      text.find("--b\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: "
                "7bit\r\n\r\nRemoved.\r\n--b\r\n") != std::string::npos);
  BOOST_TEST(text.find("Caf=E9") != std::string::npos);
  BOOST_TEST(text.starts_with("From: pat@example.com\r\n"));
}

BOOST_FIXTURE_TEST_CASE(a_message_can_be_enclosed_in_another_F22, Scripted) {
  auto ran =
      run("require \"enclose\"; enclose :subject \"Warning\" :headers [\"X-A: b\"] \"Beware.\";");
  BOOST_REQUIRE(ran.faults.empty());
  auto text = stored(ran, kMessage);
  BOOST_TEST(text.find("Subject: Warning\r\n") != std::string::npos);
  BOOST_TEST(text.find("X-A: b\r\n") != std::string::npos);
  BOOST_TEST(text.find("Content-Type: message/rfc822\r\n\r\n" + std::string(kMessage)) !=
             std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(text_of_parts_can_be_extracted_F22, Scripted) {
  BOOST_TEST(plan("require [\"foreverypart\",\"extracttext\",\"variables\",\"mime\",\"fileinto\"];"
                  "foreverypart { if header :mime :subtype \"content-type\" \"plain\" { "
                  "extracttext :first 4 \"a\"; fileinto \"${a}\"; break; } }",
                  kParts) == Plans{"store Caf\xc3\xa9"},
             per_element());
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
