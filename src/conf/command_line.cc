#include "conf/command_line.hh"

#include <boost/program_options.hpp>
#include <filesystem>
#include <sstream>

#include "base/text.hh"
#include "conf/file.hh"
#include "conf/options.hh"
#include "conf/settings.hh"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

namespace handoff::conf {

const char kDefaultFile[] = SYSCONFDIR "/handoffd.conf";

namespace {

namespace po = boost::program_options;
using Action = CommandLine::Action;

[[noreturn]] void fail(const std::string& what) {
  throw ConfigError(what + " (see handoffd --help)", EX_USAGE);
}

po::options_description program_options() {
  po::options_description out("Options", kHelpWidth, kHelpWidth / 2);
  auto file = "The configuration file, instead of " + std::string(kDefaultFile) + ".";
  out.add_options()("config,c", po::value<std::string>()->value_name("FILE"), file.c_str())(
      "foreground,f", "Stay in the foreground; do not become a daemon.")(
      "stdin,s", "Serve one session on standard input and output, as from inetd.")(
      "check,t", "Check configuration and spool, and exit: 0 if all is well, else 78.")(
      "dump", "Print the settings in force as a configuration file, and exit.")(
      "changed", "With --dump: only the settings that differ from their defaults.")(
      "secrets", "With --dump: show passwords, which are hidden otherwise.")(
      "version,V", "Print the version, and exit.")("help,h", "Print this, and exit.");
  return out;
}

// "--recipients.delimiter=" sets the empty value, which Boost would reject.
std::vector<po::option> parse_empty_value(std::vector<std::string>& arguments) {
  std::string_view argument = arguments.front();
  if (!argument.starts_with("--") || !argument.ends_with('=')) return {};
  auto name = argument.substr(2, argument.size() - 3);
  if (find_setting(name) == nullptr) return {};
  po::option option(std::string(name), {""});
  option.original_tokens.push_back(arguments.front());
  arguments.erase(arguments.begin());
  return {option};
}

std::vector<po::option> parse(const std::vector<std::string>& arguments,
                              const po::options_description& all) {
  // Abbreviations are not accepted: a later release may add a setting that makes one ambiguous.
  int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  try {
    return po::command_line_parser(arguments)
        .options(all)
        .style(style)
        .extra_style_parser(parse_empty_value)
        .run()
        .options;
  } catch (const po::unknown_option& e) {
    auto name = e.get_option_name();
    auto bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
    fail("option " + escape(name) + ": no such option" + did_you_mean(bare, "--"));
  } catch (const po::error& e) {
    fail(e.what());
  }
}

void choose(CommandLine& out, Action action) {
  // --help and --version override other actions; the others exclude each other.
  if (out.action == Action::kHelp || out.action == Action::kVersion) return;
  bool wins = action == Action::kHelp || action == Action::kVersion;
  if (!wins && out.action != Action::kServe && out.action != action) {
    fail("only one of --stdin, --check and --dump can be given");
  }
  out.action = action;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  po::options_description all;
  all.add(program_options()).add(setting_options());
  CommandLine out;
  for (const auto& option : parse(arguments, all)) {
    const auto& key = option.string_key;
    if (option.position_key >= 0)
      fail("argument " + escape(option.value.front()) + ": not expected");
    if (key == "config") {
      if (!out.config_file.empty()) fail("option --config: given twice");
      out.config_file = option.value.front();
      if (out.config_file.empty()) fail("option --config: must name a file");
    } else if (key == "foreground") {
      out.foreground = true;
    } else if (key == "stdin") {
      choose(out, Action::kStdin);
    } else if (key == "check") {
      choose(out, Action::kCheck);
    } else if (key == "dump") {
      choose(out, Action::kDump);
    } else if (key == "changed") {
      out.dump.changed = true;
    } else if (key == "secrets") {
      out.dump.secrets = true;
    } else if (key == "version") {
      choose(out, Action::kVersion);
    } else if (key == "help") {
      choose(out, Action::kHelp);
    } else {
      out.options.push_back({key, option.value.front(), Assignment::Source::kOption});
    }
  }
  bool only_for_dump = out.dump.changed || out.dump.secrets;
  if (only_for_dump && out.action == Action::kServe) fail("--changed and --secrets need --dump");
  return out;
}

Settings load(const CommandLine& line, LookupParser parse_lookup) {
  auto from = [&](const std::vector<Assignment>& file) {
    return combine(file, line.options, parse_lookup);
  };
  if (!line.config_file.empty()) return from(read_file(line.config_file));
  // If its existence cannot be determined, reading it reports the reason.
  std::error_code unknown;
  if (std::filesystem::exists(kDefaultFile, unknown) || unknown)
    return from(read_file(kDefaultFile));
  if (!line.options.empty() || line.action == Action::kDump) return from({});
  throw ConfigError(std::string(kDefaultFile) +
                    ": no such file; name one with --config, or write these three lines to it:\n"
                    "    listen = unix:" RUNSTATEDIR
                    "/handoff/lmtp.sock\n"
                    "    user = USER\n"
                    "    spool.path = " LOCALSTATEDIR
                    "/spool/handoff\n"
                    "`handoffd --dump` prints all settings, handoffd.conf(5) describes them");
}

Settings load_file(const std::string& given, LookupParser parse_lookup) {
  CommandLine line;
  line.config_file = given;
  return load(line, parse_lookup);
}

std::string help_text() {
  std::ostringstream out;
  out << "usage: handoffd [-fsthV] [-c FILE] [--dump] [--SETTING VALUE]...\n"
      << "Takes mail by LMTP (RFC 2033) and writes it to mailboxes.\n\n"
      << program_options() << "\n"
      << "Every setting of the configuration file is an option too, and overrides the file.\n"
      << setting_options() << "\n"
      << "See handoffd(8) and handoffd.conf(5).\n";
  return out.str();
}

}  // namespace handoff::conf
