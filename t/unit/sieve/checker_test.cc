// The scripts that the compiler accepts, and its messages about all others.
#include <boost/test/unit_test.hpp>

#include "sieve/scripted.hh"

using namespace handoff::sieve;

BOOST_AUTO_TEST_SUITE(sieve_checker)

BOOST_FIXTURE_TEST_CASE(a_fault_has_its_line_and_says_what_to_do_F2, Scripted) {
  BOOST_TEST(fault("keep;\n\nfileinto \"a\";") ==
             "line 3: command 'fileinto' needs: require \"fileinto\"");
  BOOST_TEST(fault("fielinto \"a\";") == "line 1: unknown command 'fielinto'");
  BOOST_TEST(fault("require \"nonsense\";") == "line 1: unknown extension 'nonsense'");
  BOOST_TEST(fault("if header :contain \"a\" \"b\" {}") ==
             "line 1: unknown tag ':contain' for 'header'");
  BOOST_TEST(fault("if header \"a\" {}") == "line 1: 'header' takes 2 arguments, but 1 is given");
  BOOST_TEST(fault("keep") == "line 1: a semicolon is expected before the end of the script");
}

BOOST_FIXTURE_TEST_CASE(text_that_is_not_sieve_does_not_compile_F2, Scripted) {
  for (const auto* script :
       {"if true keep;", "else { keep; }", "keep; require \"copy\";", "if not { keep; }", "stop 1;",
        "if header :is :contains \"a\" \"b\" {}",
        "if header :comparator \"i;ascii-numeric\" \"a\" \"b\" {}", "redirect \"nobody\";",
        "redirect \"a@b, c@d\";", "if size 10 {}", "if address \"subject\" \"a\" {}", "keep \"a\";",
        "if anyof true {}", "}", "if true { keep;", "discard :copy;",
        "require \"envelope\"; if envelope \"subject\" \"a\" {}"}) {
    BOOST_TEST(!fault(script).empty(), script);
  }
}

BOOST_FIXTURE_TEST_CASE(several_faults_are_found_in_one_run_F2, Scripted) {
  auto checked =
      handoff_sieve_module()->compile("a;\nkeep 1;\nif header \"x\" \"y\" { b; }\n", site, limits);
  BOOST_REQUIRE(checked.faults.size() == 3u);
  BOOST_TEST(checked.faults[2].line == 3u);
}

BOOST_FIXTURE_TEST_CASE(nesting_and_size_are_limited_F3, Scripted) {
  std::string deep = "keep;";
  for (int i = 0; i < 40; ++i) deep = "if true { " + deep + " }";
  BOOST_TEST(!fault(deep).empty());
  std::string tests = "true";
  for (int i = 0; i < 40; ++i) tests = "not " + tests;
  BOOST_TEST(!fault("if " + tests + " {}").empty());
  std::string fifteen = "keep;";
  for (int i = 0; i < 15; ++i) fifteen = "if true { " + fifteen + " }";
  BOOST_TEST(fault(fifteen) == "");
  limits.script_size = 10;
  BOOST_TEST(!fault("keep; keep; keep;").empty());
}

BOOST_FIXTURE_TEST_CASE(ihave_permits_unknown_commands_that_are_not_run_F17, Scripted) {
  BOOST_TEST(
      plan("require \"ihave\"; if ihave \"x-nonsense\" { nonsense :tag 1; }") == Plans{"keep"},
      boost::test_tools::per_element());
  BOOST_TEST(
      plan("require \"ihave\"; if ihave \"fileinto\" { fileinto \"a\"; }") == Plans{"store a"},
      boost::test_tools::per_element());
  BOOST_TEST(!run("require \"ihave\"; error \"no\";").faults.empty());
}

// RFC 5463 4.
BOOST_FIXTURE_TEST_CASE(ihave_enables_all_extensions_of_a_list_or_none_F17, Scripted) {
  auto ran =
      run("require \"ihave\"; if ihave [\"fileinto\",\"x-nonsense\"] { stop; } fileinto \"a\";");
  BOOST_REQUIRE(ran.faults.size() == 1u);
  BOOST_TEST(ran.faults[0].what == "command 'fileinto' needs: require \"fileinto\"");
  BOOST_TEST(
      run("require [\"ihave\",\"variables\"]; if ihave \"variables\" { discard; }").plan.discarded);
  BOOST_TEST(!run("require \"ihave\"; if ihave \"variables\" { discard; }").plan.discarded);
  BOOST_TEST(!fault("require [\"ihave\",\"variables\"]; set \"a\" \"copy\"; if ihave \"${a}\" {}")
                  .empty());
}

BOOST_FIXTURE_TEST_CASE(an_include_is_compiled_with_the_script_F18, Scripted) {
  site.scripts["spam"] = "require \"fileinto\"; fileinto \"Junk\";";
  BOOST_TEST(plan("require \"include\"; include \"spam\";") == Plans{"store Junk"},
             boost::test_tools::per_element());
  BOOST_TEST(fault("require \"include\"; include :optional \"none\";") == "");
  BOOST_TEST(!fault("require \"include\"; include \"../a\";").empty());
  site.scripts["loop"] = "require \"include\"; include \"loop\";";
  BOOST_TEST(!fault("require \"include\"; include \"loop\";").empty());
}

// RFC 6609 3.1: an error when the command is executed, and not before.
BOOST_FIXTURE_TEST_CASE(a_missing_script_is_an_error_when_it_is_needed_F18, Scripted) {
  constexpr std::string_view kScript =
      "require \"include\"; if header \"subject\" \"none\" { include \"none\"; } discard;";
  auto compiled = handoff_sieve_module()->compile(kScript, site, limits);
  BOOST_TEST(compiled.faults.empty());
  BOOST_REQUIRE(compiled.missing.size() == 1u);
  BOOST_TEST(compiled.missing[0].what == "there is no script 'none' to include");
  BOOST_TEST(run(kScript).plan.discarded);
  auto ran = run(kScript, "Subject: none\r\n\r\n");
  BOOST_REQUIRE(ran.faults.size() == 1u);
  BOOST_TEST(ran.faults[0].what == "there is no script 'none' to include");
  BOOST_TEST(!ran.plan.discarded);
}

// RFC 6609 3.4.1, 3.4.2.
BOOST_FIXTURE_TEST_CASE(variables_become_global_before_they_are_set_F18, Scripted) {
  auto of = [&](const std::string& script) {
    return fault("require [\"include\",\"variables\"]; " + script);
  };
  BOOST_TEST(of("global \"a\"; set \"a\" \"b\"; global \"a\"; set \"global.a\" \"${global.a}\";") ==
             "");
  BOOST_TEST(!of("set \"a\" \"b\"; global \"a\";").empty());
  BOOST_TEST(!of("global \"global.a\";").empty());
  BOOST_TEST(!of("set \"global.a.b\" \"c\";").empty());
  BOOST_TEST(!of("set \"global.1\" \"c\";").empty());
  BOOST_TEST(!of("set \"a\" \"${global.b.c}\";").empty());
}

BOOST_FIXTURE_TEST_CASE(an_include_that_cannot_be_read_defers_the_message_F4, Scripted) {
  site.broken = true;
  auto ran = run("require \"include\"; include \"spam\";");
  BOOST_REQUIRE(ran.error.has_value());
  BOOST_TEST(ran.error->code == EIO);
}

BOOST_AUTO_TEST_SUITE_END()
