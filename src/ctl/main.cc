// handoffctl: administers a running handoffd. Finds the subcommand in argv and runs it.

#include <csignal>
#include <exception>
#include <iostream>

#include "base/text.hh"
#include "conf/command_line.hh"
#include "config.h"
#include "ctl/commands.hh"
#include "sys/secrets.hh"

namespace handoff::ctl {
namespace {

using conf::ConfigError;

struct Command {
  std::string_view name;
  std::string_view usage;  // the arguments
  std::string_view help;
  int (*run)(Invocation invocation);
};

constexpr Command kCommands[] = {
    {"deliver", "[--from ADDRESS] [--to ENDPOINT] RCPT... < MESSAGE",
     "send a message to the server, as a queue manager would", deliver},
    {"status", "[--json] [--watch]", "show workers, rates, latencies and the spool", status},
    {"reload", "", "reload the configuration", reload},
    {"drain", "", "stop the server when its sessions have finished their current message", drain},
    {"stop", "", "like drain, and wait until the server has exited", stop},
    {"upgrade", "", "replace the running server by the installed program", upgrade},
    {"explain", "[--json] ADDRESS", "show which mailbox an address has, and what RCPT would answer",
     explain},
    {"doctor", "", "check configuration, sockets, users and spool, and say what to fix", doctor},
    {"sieve",
     "check|test SCRIPT [--from ADDRESS] [--to ADDRESS] [--address ADDRESS]... [--folder NAME]... "
     "[--global DIRECTORY]\n"
     "  sieve rehearse SCRIPT MAILBOX [the same options]\n"
     "  sieve why ID [--log FILE]",
     "check a Sieve script; test: show what it would do with the message on standard input;\n"
     "      rehearse: with the messages of a mailbox; why: which line of a script put a message\n"
     "      where it is, from the log",
     sieve},
    {"sweep", "[--dry-run]", "remove files that dead processes left in the spool", sweep},
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
  Invocation invocation{};
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
      fail("option " + escape(option) + ": unknown option, or its argument is missing");
    }
  }
  if (at == arguments.size()) fail("a command is missing");
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
  // A server that closes the connection is reported, not fatal.
  std::signal(SIGPIPE, SIG_IGN);
  handoff::sys::erase_freed_memory(true);  // the configuration may contain passwords
  try {
    return handoff::ctl::run({argv + 1, argv + argc});
  } catch (const handoff::conf::ConfigError& e) {
    std::cerr << "handoffctl: " << handoff::printable(e.what(), true) << "\n";
    return e.exit_code();
  } catch (const std::exception& e) {
    std::cerr << "handoffctl: " << handoff::printable(e.what(), true) << "\n";
    return EX_SOFTWARE;
  }
}
