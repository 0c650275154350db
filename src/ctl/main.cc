// handoffctl: looks after a running handoffd. argv -> a subcommand.
#include <sysexits.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "base/text.hh"
#include "conf/command_line.hh"
#include "config.h"
#include "ctl/command.hh"
#include "ctl/deliver.hh"
#include "ctl/doctor.hh"
#include "ctl/explain.hh"
#include "ctl/service.hh"
#include "ctl/sweep.hh"

namespace handoff::ctl {
namespace {

using conf::ConfigError;

constexpr Command kCommands[] = {
    {"deliver", "[--from ADDRESS] [--to ENDPOINT] RCPT... < MESSAGE",
     "hand a message to the server, as a queue manager would", deliver},
    {"status", "[--json] [--watch]", "show workers, rates, latency and spool", status},
    {"reload", "", "have the server read its configuration again", reload},
    {"drain", "", "have it stop when its sessions have ended what they began", drain},
    {"stop", "", "the same, and wait until it has", stop},
    {"upgrade", "", "have it become the program that is installed now", upgrade},
    {"explain", "[--json] ADDRESS", "show whose mailbox an address is, and what RCPT would say",
     explain},
    {"doctor", "", "check configuration, sockets, users and spool, and say what to mend", doctor},
    {"sweep", "[--dry-run]", "remove what dead processes left in the spool", sweep},
};

void print_usage(std::ostream& out) {
  out << "usage: handoffctl [-c FILE] COMMAND [ARGUMENT]...\n"
         "       handoffctl -V | -h\n\n";
  for (const auto& command : kCommands) {
    out << "  " << command.name << (command.usage.empty() ? "" : " ") << command.usage << "\n      "
        << command.help << "\n";
  }
  out << "\n-c FILE is the configuration of the server (default " << conf::kDefaultFile
      << ").\nSee handoffctl(8).\n";
}

[[noreturn]] void fail(const std::string& what) {
  throw ConfigError(what + " (see handoffctl --help)", EX_USAGE);
}

int run(std::vector<std::string> arguments) {
  Invocation invocation;
  std::size_t at = 0;
  for (; at < arguments.size() && arguments[at].starts_with('-'); ++at) {
    const auto& option = arguments[at];
    if (option == "-h" || option == "--help") {
      print_usage(std::cout);
      return EX_OK;
    } else if (option == "-V" || option == "--version") {
      std::cout << "handoffctl " PACKAGE_VERSION "\n";
      return EX_OK;
    } else if ((option == "-c" || option == "--config") && at + 1 < arguments.size()) {
      invocation.config_file = arguments[++at];
    } else if (option.starts_with("--config=")) {
      invocation.config_file = option.substr(9);
    } else {
      fail("option " + escape(option) + ": no such option, or its argument is missing");
    }
  }
  if (at == arguments.size()) fail("which command?");
  for (const auto& command : kCommands) {
    if (command.name != arguments[at]) continue;
    invocation.arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                                arguments.end());
    return command.run(invocation);
  }
  fail(escape(arguments[at]) + ": no such command");
}

}  // namespace
}  // namespace handoff::ctl

int main(int argc, char** argv) {
  // A server that goes away is an outcome, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return handoff::ctl::run({argv + 1, argv + argc});
  } catch (const handoff::conf::ConfigError& e) {
    std::cerr << "handoffctl: " << e.what() << "\n";
    return e.exit_code();
  } catch (const std::exception& e) {
    std::cerr << "handoffctl: " << e.what() << "\n";
    return EX_SOFTWARE;
  }
}
