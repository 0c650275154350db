#include "conf/command_line.hh"

#include <boost/test/unit_test.hpp>

#include "conf/settings.hh"
#include "lookup_settings.hh"

using namespace handoff::conf;
using Action = CommandLine::Action;

namespace {

// Returns the message for invalid `arguments`, which is always about usage.
std::string fault(const std::vector<std::string>& arguments) {
  try {
    parse_command_line(arguments);
  } catch (const ConfigError& e) {
    BOOST_TEST(e.exit_code() == EX_USAGE);
    return e.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conf_command_line)

BOOST_AUTO_TEST_CASE(short_and_long_options_are_equivalent) {
  for (auto& arguments :
       std::vector<std::vector<std::string>>{{"-c", "/a", "-f", "-s"},
                                             {"--config", "/a", "--foreground", "--stdin"},
                                             {"--config=/a", "-fs"}}) {
    auto line = parse_command_line(arguments);
    BOOST_TEST(line.config_file == "/a");
    BOOST_TEST(line.foreground);
    BOOST_CHECK(line.action == Action::kStdin);
  }
  BOOST_CHECK(parse_command_line({}).action == Action::kServe);
  BOOST_CHECK(parse_command_line({"-t"}).action == Action::kCheck);
  BOOST_CHECK(parse_command_line({"--dump"}).action == Action::kDump);
  BOOST_CHECK(parse_command_line({"-V"}).action == Action::kVersion);
  BOOST_CHECK(parse_command_line({"-h", "-t"}).action == Action::kHelp);
  BOOST_CHECK(parse_command_line({"-t", "-h"}).action == Action::kHelp);
}

BOOST_AUTO_TEST_CASE(every_setting_is_an_option) {
  for (const auto& setting : settings()) {
    auto line = parse_command_line({"--" + std::string(setting.name), "x"});
    BOOST_TEST(line.options.size() == 1u);
    BOOST_TEST(line.options[0].key == setting.name);
    BOOST_TEST(line.options[0].value == "x");
    BOOST_CHECK(line.options[0].source == Assignment::Source::kOption);
  }
}

BOOST_AUTO_TEST_CASE(an_option_can_set_the_empty_value) {
  for (auto& arguments : std::vector<std::vector<std::string>>{
           {"--recipients.delimiter=", "-f"}, {"--recipients.delimiter", "", "-f"}}) {
    auto line = parse_command_line(arguments);
    BOOST_TEST(line.options.size() == 1u);
    BOOST_TEST(line.options[0].value == "");
    BOOST_TEST(line.foreground);
    BOOST_TEST(combine({}, line.options).config.recipients.delimiter == "");
  }
}

BOOST_AUTO_TEST_CASE(a_malformed_command_line_is_a_usage_error) {
  BOOST_TEST(
      fault({"--spool.newlin", "lf"})
          .starts_with("option --spool.newlin: no such option; did you mean --spool.newline?"));
  BOOST_TEST(fault({"--frob"}).starts_with("option --frob: no such option ("));
  BOOST_TEST(fault({"-x"}).find("no such option") != std::string::npos);
  BOOST_TEST(fault({"serve"}).starts_with("argument serve: not expected"));
  BOOST_TEST(fault({"-c"}) != "");
  BOOST_TEST(fault({"--config="}) != "");
  BOOST_TEST(fault({"--spool.path"}) != "");
  BOOST_TEST(fault({"-c", "/a", "-c", "/b"}) != "");
  BOOST_TEST(fault({"-s", "-t"}) != "");
  // Abbreviations are not accepted.
  BOOST_TEST(fault({"--fore"}) != "");
  BOOST_TEST(fault({"--spool.p", "/a"}) != "");
}

BOOST_AUTO_TEST_CASE(a_named_file_must_exist) {
  CommandLine line;
  line.config_file = "/nonexistent/handoffd.conf";
  line.options.push_back({"user", "mail", Assignment::Source::kOption});
  BOOST_CHECK_THROW(load(line, handoff::recipients::parse_lookup), ConfigError);
}

BOOST_AUTO_TEST_CASE(help_lists_every_setting_in_its_group) {
  auto help = help_text();
  for (const auto& setting : settings()) {
    BOOST_TEST(help.find("--" + std::string(setting.name) + " ") != std::string::npos);
  }
  for (auto caption : {"General settings:", "Settings of spool:", "-c [ --config ] FILE"}) {
    BOOST_TEST(help.find(caption) != std::string::npos, caption);
  }
}

BOOST_AUTO_TEST_CASE(options_for_dump_require_dump) {
  auto line = parse_command_line({"--dump", "--changed", "--secrets"});
  BOOST_TEST((line.dump.changed && line.dump.secrets));
  BOOST_TEST(!parse_command_line({"--dump"}).dump.secrets);
  BOOST_CHECK_THROW(parse_command_line({"--secrets"}), ConfigError);
}

BOOST_AUTO_TEST_SUITE_END()
