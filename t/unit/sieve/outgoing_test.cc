// The messages that scripts create: replies of vacation (RFC 5230) and notifications (RFC 5436).
#include <boost/test/unit_test.hpp>

#include "sieve/scripted.hh"

using namespace handoff::sieve;
using boost::test_tools::per_element;

namespace {

bool has(const Outgoing& outgoing, std::string_view line) {
  return ("\r\n" + outgoing.text).find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sieve_outgoing)

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

BOOST_FIXTURE_TEST_CASE(notify_sends_mail_to_each_address_once_F21, Scripted) {
  auto ran =
      run("require \"enotify\"; notify :importance \"1\" :message \"Mail!\" "
          "\"mailto:a@b.example?cc=a@b.example,c@d.example\";");
  const auto& out = std::get<Outgoing>(ran.plan.actions.at(0));
  BOOST_TEST(out.to == (std::vector<std::string>{"a@b.example", "c@d.example"}), per_element());
  BOOST_TEST(out.text.find("X-Priority: 1 (High)\r\n") != std::string::npos);
  BOOST_TEST(out.text.find("Subject: Mail!\r\n") != std::string::npos);
  BOOST_TEST(plan("require \"enotify\"; notify \"mailto:a@b.example\";",
                  "Auto-Submitted: auto-replied\r\n\r\n") == (Plans{"no notify", "keep"}),
             per_element());
}

// RFC 5230 4.2: what the script says identifies a reply, not the values of its variables.
BOOST_FIXTURE_TEST_CASE(a_sender_gets_one_reply_whatever_the_subject_is_F16, Scripted) {
  auto id = [&](std::string_view script, const std::string& subject) {
    auto ran = run(script, "To: lee@example.org\r\nSubject: " + subject + "\r\n\r\n");
    return std::get<Outgoing>(ran.plan.actions.at(0)).mark->id;
  };
  constexpr std::string_view kPlain = "require \"vacation\"; vacation \"away\";";
  BOOST_TEST(id(kPlain, "lunch") == id(kPlain, "dinner"));
  constexpr std::string_view kVariables =
      "require [\"vacation\",\"variables\"]; if header :matches \"subject\" \"*\" { vacation "
      ":subject "
      "\"Automatic response to: ${1}\" \"I got ${1}\"; }";
  BOOST_TEST(id(kVariables, "lunch") == id(kVariables, "dinner"));
  BOOST_TEST(id(kPlain, "lunch") != id("require \"vacation\"; vacation \"gone\";", "lunch"));
  BOOST_TEST(id(kPlain, "lunch") !=
             id("require \"vacation\"; vacation :subject \"a\" \"away\";", "lunch"));
}

BOOST_FIXTURE_TEST_CASE(the_name_of_an_author_is_quoted_or_encoded_F16, Scripted) {
  auto from = [&](const std::string& author) {
    auto ran = run("require \"vacation\"; vacation :from \"" + author + "\" \"away\";");
    auto text = std::get<Outgoing>(ran.plan.actions.at(0)).text;
    auto at = text.find("From: ");
    return text.substr(at, text.find("\r\n", at) - at);
  };
  BOOST_TEST(from("Lee <lee@example.org>") == "From: Lee <lee@example.org>");
  BOOST_TEST(from("\\\"Doe, Lee\\\" <lee@example.org>") == "From: \"Doe, Lee\" <lee@example.org>");
  BOOST_TEST(from("\\\"L\xc3\xa9 D\\\" <lee@example.org>") ==
             "From: =?UTF-8?b?TMOp?= D <lee@example.org>");
}

// RFC 5436 2.7: the author is the sender of the envelope, but the null sender stays.
BOOST_FIXTURE_TEST_CASE(a_notification_has_its_author_as_sender_F21, Scripted) {
  auto notified = [&](const std::string& arguments) {
    auto ran = run("require \"enotify\"; notify " + arguments + " \"mailto:a@b.example\";");
    BOOST_REQUIRE(ran.faults.empty());
    return std::get<Outgoing>(ran.plan.actions.at(0));
  };
  auto plain = notified("");
  BOOST_TEST(plain.from == "postmaster@mail.example.org");
  BOOST_TEST(has(plain, "From: <postmaster@mail.example.org>"));
  auto authored = notified(":from \"Lee <alerts@example.org>\"");
  BOOST_TEST(authored.from == "alerts@example.org");
  BOOST_TEST(has(authored, "From: Lee <alerts@example.org>"));
  // RFC 5435 3.3: an author from elsewhere is ignored.
  auto forged = notified(":from \"ceo@bank.example\"");
  BOOST_TEST(forged.from == "postmaster@mail.example.org");
  BOOST_TEST(has(forged, "From: <postmaster@mail.example.org>"));
  facts.addresses = {"lee@bank.example"};
  BOOST_TEST(notified(":from \"ceo@bank.example\"").from == "ceo@bank.example");
  facts.from = "<>";
  auto null = notified(":from \"lee@example.org\"");
  BOOST_TEST(null.withheld == "");
  BOOST_TEST(null.from == "");
  BOOST_TEST(has(null, "From: <lee@example.org>"));
}

// RFC 5436 2.6, 2.7.1.
BOOST_FIXTURE_TEST_CASE(a_notification_names_the_owner_and_its_message_is_the_subject_F21,
                        Scripted) {
  auto notified = [&](const std::string& arguments) {
    auto ran = run("require \"enotify\"; notify " + arguments + ";");
    BOOST_REQUIRE(ran.faults.empty());
    return std::get<Outgoing>(ran.plan.actions.at(0));
  };
  auto both = notified(":message \"Mail!\" \"mailto:a@b.example?subject=Other&body=Look.\"");
  BOOST_TEST(has(both, "Auto-Submitted: auto-notified; owner-email=\"lee@example.org\""));
  BOOST_TEST(has(both, "Subject: Mail!"));
  BOOST_TEST(both.text.ends_with("\r\n\r\nLook.\r\n"));
  BOOST_TEST(has(notified("\"mailto:a@b.example?subject=Other\""), "Subject: Other"));
  BOOST_TEST(has(notified("\"mailto:a@b.example\""), "Subject: Lunch at =?UTF-8?b?Q2Fmw6k=?="));
  auto named = notified("\"mailto:?to=%22Doe%2C%20Kim%22%20%3Ckim@b.example%3E\"");
  BOOST_TEST(named.to == std::vector<std::string>{"kim@b.example"}, per_element());
  BOOST_TEST(has(named, "To: \"Doe, Kim\" <kim@b.example>"));
}

// RFC 5435 3.2, 4, 5, RFC 8580.
BOOST_FIXTURE_TEST_CASE(a_script_can_ask_for_methods_that_do_not_exist_F21, Scripted) {
  BOOST_TEST(plan("require \"enotify\"; if valid_notify_method \"xmpp:a@b.example\" { notify "
                  "\"xmpp:a@b.example\"; } else { notify \"mailto:a@b.example\"; }") ==
                 (Plans{"notify", "keep"}),
             per_element());
  auto ran = run("require \"enotify\"; notify \"xmpp:a@b.example\"; discard;");
  BOOST_REQUIRE(ran.faults.size() == 1u);
  BOOST_TEST(ran.plan.actions.size() == 1u);
  BOOST_TEST(!fault("require \"enotify\"; notify \"mailto:a#b.example\";").empty());
  BOOST_TEST(
      holds("\"enotify\"", "notify_method_capability \"mailto:a@b.example\" \"fcc\" \"yes\""));
  BOOST_TEST(!holds("\"enotify\"", "notify_method_capability \"xmpp:\" \"fcc\" \"yes\""));
}

BOOST_FIXTURE_TEST_CASE(each_message_of_a_run_has_its_own_message_id_F21, Scripted) {
  facts.message_id = "1@mail.example.org";
  auto ran =
      run("require [\"enotify\",\"vacation\"]; notify \"mailto:a@b.example\"; notify "
          "\"mailto:c@b.example\"; vacation \"away\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 4u);
  const auto* id = "1@mail.example.org>";
  BOOST_TEST(has(std::get<Outgoing>(ran.plan.actions[0]), "Message-ID: <" + std::string(id)));
  BOOST_TEST(has(std::get<Outgoing>(ran.plan.actions[1]), "Message-ID: <2." + std::string(id)));
  BOOST_TEST(has(std::get<Outgoing>(ran.plan.actions[2]), "Message-ID: <3." + std::string(id)));
}

// RFC 8580 3.1: the tags describe the copy that :fcc names.
BOOST_FIXTURE_TEST_CASE(a_sent_message_can_be_stored_F21, Scripted) {
  constexpr std::string_view kRequire =
      "require [\"vacation\",\"fcc\",\"mailbox\",\"imap4flags\",\"special-use\"]; ";
  auto ran =
      run(std::string(kRequire) +
          "vacation :fcc \"Sent\" :create :flags \"\\\\Seen\" :specialuse \"\\\\Sent\" \"x\";");
  BOOST_REQUIRE(ran.faults.empty());
  const auto& copy = std::get<Outgoing>(ran.plan.actions.at(0)).copy;
  BOOST_REQUIRE(copy.has_value());
  BOOST_TEST(copy->folder == "Sent");
  BOOST_TEST(copy->create);
  BOOST_TEST(copy->flags == std::vector<std::string>{"\\Seen"}, per_element());
  BOOST_TEST(copy->special_use == "\\Sent");
  BOOST_TEST(!fault(std::string(kRequire) + "vacation :create \"x\";").empty());
  BOOST_TEST(!fault(std::string(kRequire) + "vacation :flags \"\\\\Seen\" \"x\";").empty());
}

BOOST_AUTO_TEST_SUITE_END()
