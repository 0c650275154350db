// The base language: control, tests and actions.
#include <boost/test/unit_test.hpp>

#include "sieve/scripted.hh"

using namespace handoff::sieve;
using boost::test_tools::per_element;

BOOST_AUTO_TEST_SUITE(sieve_run)

BOOST_FIXTURE_TEST_CASE(without_an_action_the_message_is_kept_F5, Scripted) {
  BOOST_TEST(plan("") == Plans{"keep"}, per_element());
  BOOST_TEST(plan("stop;") == Plans{"keep"}, per_element());
  BOOST_TEST(plan("discard;") == Plans{}, per_element());
  BOOST_TEST(plan("redirect \"a@b.example\";") == Plans{"redirect a@b.example"}, per_element());
  BOOST_TEST(run("discard;").plan.discarded);
}

BOOST_FIXTURE_TEST_CASE(copy_does_not_cancel_the_implicit_keep_F6, Scripted) {
  BOOST_TEST(plan("require [\"fileinto\",\"copy\"]; fileinto :copy \"a\"; redirect :copy "
                  "\"a@b.example\";") == (Plans{"store a", "redirect a@b.example", "keep"}),
             per_element());
}

BOOST_FIXTURE_TEST_CASE(after_a_failure_the_unchanged_message_is_kept_F4, Scripted) {
  auto ran =
      run("require [\"variables\",\"editheader\"]; set \"a\" \"no address\"; addheader \"X\" "
          "\"y\"; redirect \"b@c.example\"; redirect \"${a}\";");
  BOOST_REQUIRE(ran.faults.size() == 1u);
  BOOST_TEST(ran.faults[0].line == 1u);
  BOOST_REQUIRE(ran.plan.actions.size() == 1u);
  const auto& copy = std::get<Copy>(ran.plan.actions[0]);
  BOOST_TEST(copy.folder == "");
  BOOST_TEST(!copy.edited.any());
}

BOOST_FIXTURE_TEST_CASE(the_first_branch_whose_test_is_true_runs_F5, Scripted) {
  BOOST_TEST(plan("require \"fileinto\"; if false { fileinto \"a\"; } elsif true { fileinto \"b\"; "
                  "} elsif true { fileinto \"c\"; } else { fileinto \"d\"; }") == Plans{"store b"},
             per_element());
  BOOST_TEST(plan("require \"fileinto\"; if false { fileinto \"a\"; } else { fileinto \"d\"; }") ==
                 Plans{"store d"},
             per_element());
}

BOOST_FIXTURE_TEST_CASE(tests_compare_decoded_fields_and_addresses_F5, Scripted) {
  BOOST_TEST(holds("", "header :contains \"subject\" \"caf\xc3\xa9\""));
  BOOST_TEST(holds("", "header :is [\"x\",\"SUBJECT\"] \"lunch AT caf\xc3\xa9\""));
  BOOST_TEST(!holds("", "header :is :comparator \"i;octet\" \"subject\" \"lunch at caf\xc3\xa9\""));
  BOOST_TEST(holds("", "address :domain \"from\" \"example.com\""));
  BOOST_TEST(holds("\"subaddress\"", "address :user \"from\" \"pat\""));
  BOOST_TEST(holds("\"subaddress\"", "address :detail \"from\" \"work\""));
  BOOST_TEST(holds("\"envelope\"", "envelope :localpart \"to\" \"lee\""));
  BOOST_TEST(holds("", "exists [\"from\",\"to\"]"));
  BOOST_TEST(!holds("", "exists [\"from\",\"cc\"]"));
  BOOST_TEST(holds("", "size :over 10"));
  BOOST_TEST(holds("", "allof (true, not false, anyof (false, true))"));
}

// RFC 5228 5.9: the message as it was transmitted, with CRLF.
BOOST_FIXTURE_TEST_CASE(a_line_end_counts_two_octets_however_it_is_stored_F5, Scripted) {
  for (const auto* message : {"From: a\n\nx\n", "From: a\r\n\r\nx\r\n"}) {
    BOOST_TEST(holds("", "allof (size :over 13, size :under 15)", message), message);
  }
}

// RFC 6531, RFC 6532.
BOOST_FIXTURE_TEST_CASE(addresses_beyond_ascii_have_parts_F5, Scripted) {
  facts.from =
      "j\xc3\xbcrgen@b\xc3\xbc"
      "cher.example";
  constexpr std::string_view kBeyond =
      "From: J\xc3\xbcrgen <j\xc3\xbcrgen+a@b\xc3\xbc"
      "cher.example>\r\nTo: lee@example.org\r\n\r\n";
  BOOST_TEST(holds("\"envelope\"", "envelope :localpart \"from\" \"j\xc3\xbcrgen\""));
  BOOST_TEST(holds("\"envelope\"",
                   "envelope :domain \"from\" \"b\xc3\xbc"
                   "cher.example\""));
  BOOST_TEST(holds("",
                   "address :domain \"from\" \"b\xc3\xbc"
                   "cher.example\"",
                   kBeyond));
  BOOST_TEST(holds("\"subaddress\"", "address :user \"from\" \"j\xc3\xbcrgen\"", kBeyond));
  // What a script sends needs ASCII.
  BOOST_TEST(!fault("redirect \"j\xc3\xbcrgen@b.example\";").empty());
  BOOST_TEST(!fault("require \"enotify\"; notify \"mailto:j%C3%BCrgen@b.example\";").empty());
  BOOST_TEST(plan("require \"vacation\"; vacation \"x\";", kBeyond) == (Plans{"no reply", "keep"}),
             per_element());
}

BOOST_FIXTURE_TEST_CASE(relational_tests_compare_values_and_counts_F7, Scripted) {
  BOOST_TEST(holds("\"relational\",\"comparator-i;ascii-numeric\"",
                   "header :count \"ge\" :comparator \"i;ascii-numeric\" [\"from\",\"to\"] \"2\""));
  BOOST_TEST(holds("\"relational\",\"comparator-i;ascii-numeric\",\"variables\"",
                   "string :value \"gt\" :comparator \"i;ascii-numeric\" \"10\" \"9\""));
  BOOST_TEST(!holds("\"relational\",\"variables\"", "string :value \"gt\" \"10\" \"9\""));
}

BOOST_FIXTURE_TEST_CASE(several_copies_to_a_folder_become_one_with_the_last_flags_F8, Scripted) {
  auto ran =
      run("require [\"fileinto\",\"imap4flags\"]; fileinto :flags \"\\\\Seen\" \"a\"; fileinto "
          ":flags [\"$x\",\"\\\\Flagged\"] \"a\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 1u);
  BOOST_TEST(
      std::get<Copy>(ran.plan.actions[0]).flags == (std::vector<std::string>{"$x", "\\Flagged"}),
      per_element());
}

BOOST_FIXTURE_TEST_CASE(flags_are_set_without_duplicates_and_bad_ones_are_dropped_F8, Scripted) {
  auto ran =
      run("require \"imap4flags\"; setflag [\"\\\\Seen $a\", \"\\\\seen\"]; addflag \"b( "
          "\\\\Recent $c\"; removeflag \"$A\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 1u);
  BOOST_TEST(
      std::get<Copy>(ran.plan.actions[0]).flags == (std::vector<std::string>{"\\Seen", "$c"}),
      per_element());
}

BOOST_FIXTURE_TEST_CASE(a_rejected_message_is_neither_delivered_nor_answered_F9, Scripted) {
  BOOST_TEST(plan("require \"reject\"; reject \"no\";") == Plans{"reject"}, per_element());
  for (const auto* other : {"keep;", "redirect \"a@b.example\";", "vacation \"away\";"}) {
    auto script = std::string("require [\"reject\",\"vacation\"]; reject \"no\"; ") + other;
    BOOST_TEST(!run(script).faults.empty(), script);
  }
}

BOOST_FIXTURE_TEST_CASE(actions_redirects_and_steps_are_limited_F3, Scripted) {
  std::string script;
  for (int i = 0; i < 5; ++i) script += "redirect \"a" + std::to_string(i) + "@b.example\";";
  BOOST_TEST(run(script).faults.at(0).what ==
             "the number of redirect actions exceeds policy limit");
  limits.steps = 3;
  BOOST_TEST(run("keep; keep; keep; keep;").faults.at(0).what == "the script takes too many steps");
}

BOOST_FIXTURE_TEST_CASE(a_message_that_was_redirected_from_here_is_kept_F10, Scripted) {
  BOOST_TEST(plan("redirect \"a@b.example\";",
                  "X-Sieve-Redirected-From: lee@example.org\r\n\r\n") == Plans{"keep"},
             per_element());
}

BOOST_FIXTURE_TEST_CASE(a_failure_to_look_up_a_folder_defers_the_message_F4, Scripted) {
  site.broken = true;
  auto ran = run("require \"mailbox\"; if mailboxexists \"a\" { discard; }");
  BOOST_REQUIRE(ran.error.has_value());
  BOOST_TEST(ran.plan.actions.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(the_trace_has_each_test_with_line_rule_and_values_F19, Scripted) {
  auto ran = run("# rule:[Lunch]\nif header :contains \"subject\" \"lunch\" { keep; }");
  BOOST_REQUIRE(ran.trace.size() == 2u);
  BOOST_TEST(ran.trace[0].line == 2u);
  BOOST_TEST(ran.trace[0].rule == "Lunch");
  BOOST_TEST(ran.trace[0].values == std::vector<std::string>{"Lunch at Caf\xc3\xa9"},
             per_element());
  BOOST_TEST((ran.trace[0].result == TraceEntry::Result::kTrue));
  BOOST_TEST(std::get<Copy>(ran.plan.actions.at(0)).place.rule == "Lunch");
}

// Each question may access a disk.
BOOST_FIXTURE_TEST_CASE(the_questions_to_the_site_are_limited_F4, Scripted) {
  site.folders = {"a"};
  std::string names = "\"a\"";
  for (std::size_t i = 1; i < limits.questions; ++i) names += ",\"a\"";
  auto script = [&](const std::string& list) {
    return "require [\"mailbox\",\"fileinto\"]; if mailboxexists [" + list +
           "] { fileinto \"yes\"; }";
  };
  BOOST_TEST(plan(script(names)) == Plans{"store yes"}, per_element());
  auto ran = run(script(names + ",\"a\""));
  BOOST_REQUIRE(ran.faults.size() == 1u);
  BOOST_TEST(ran.faults[0].line == 1u);
  BOOST_TEST(ran.steps > limits.questions);
  names = "\"\\\\Junk\"";
  for (std::size_t i = 0; i < limits.questions; ++i) names += ",\"\\\\Junk\"";
  BOOST_TEST(run("require [\"special-use\",\"fileinto\"]; if specialuse_exists [" + names +
                 "] { fileinto \"yes\"; }")
                 .faults.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(what_duplicate_remembers_is_limited_F4, Scripted) {
  std::string script = "require \"duplicate\";\n";
  for (std::size_t i = 0; i < limits.marks; ++i)
    script += "if duplicate :uniqueid \"" + std::to_string(i) + "\" { discard; }\n";
  BOOST_TEST(run(script).plan.marks.size() == limits.marks);
  script += "if duplicate :uniqueid \"more\" { discard; }\n";
  auto ran = run(script);
  BOOST_REQUIRE(ran.faults.size() == 1u);
  BOOST_TEST(ran.faults[0].line == limits.marks + 2);
  BOOST_TEST(ran.plan.marks.empty());
}

BOOST_FIXTURE_TEST_CASE(a_reply_that_is_too_large_is_an_error_F4, Scripted) {
  limits.outgoing_size = 10'000;
  auto script = [](std::size_t size) {
    return "require \"vacation\"; vacation \"" + std::string(size, 'x') + "\";";
  };
  BOOST_TEST(plan(script(5'000)) == (Plans{"reply", "keep"}), per_element());
  BOOST_TEST(run(script(10'000)).faults.size() == 1u);
}

// None of the scripts of a recipient can be compiled.
BOOST_FIXTURE_TEST_CASE(without_any_script_the_message_is_kept_F4, Scripted) {
  auto ran = handoff_sieve_module()->run({}, kMessage, facts, site, limits, false);
  BOOST_REQUIRE(ran.plan.actions.size() == 1u);
  BOOST_TEST(std::get<Copy>(ran.plan.actions[0]).folder == "");
  BOOST_TEST(!ran.plan.discarded);
}

BOOST_AUTO_TEST_SUITE_END()
