// The subcommands of handoffctl. Each returns the exit code (sysexits.h) and throws
// conf::ConfigError if its arguments or the configuration cannot be understood.
#pragma once

#include <sysexits.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hh"
#include "conf/assignment.hh"

namespace handoff::ctl {

struct Invocation {
  std::string config_file;             // --config; empty: the default file
  std::vector<std::string> arguments;  // after the subcommand's name

  // Returns whether `flag`, such as "--json", is among the arguments. Removes it.
  bool take_flag(std::string_view flag) { return std::erase(arguments, flag) > 0; }
  // Requires that all arguments have been taken.
  void expect_no_more() const {
    if (arguments.empty()) return;
    throw conf::ConfigError(
        "unexpected argument " + escape(arguments.front()) + " (see handoffctl --help)", EX_USAGE);
  }
};

// Sends the message on standard input to each recipient, and prints each reply on standard error
// as soon as it arrives.
int deliver(Invocation invocation);
// Checks everything that handoffd needs and prints one line for each check. 0: no problem, 1: a
// problem was found, 78: the configuration cannot be read. As root, it becomes `user` before it
// checks the spool.
int doctor(Invocation invocation);
// Shows what RCPT would answer to an address, and why. EX_OK if the recipient would be accepted,
// EX_NOUSER if refused, EX_TEMPFAIL if deferred.
int explain(Invocation invocation);
// "check SCRIPT": prints what is wrong with a Sieve script. "test SCRIPT": also runs it over the
// message on standard input, and prints each test with what it compared and the plan; nothing is
// delivered. EX_OK, EX_DATAERR if the script is wrong, EX_UNAVAILABLE in a build without Sieve.
int sieve(Invocation invocation);
// Removes files that dead processes left in the spool; with --dry-run only lists them. Runs as
// `user`, beside a server or without one.
int sweep(Invocation invocation);

// The remaining subcommands send requests to a running handoffd. 0: done, 69 (EX_UNAVAILABLE): no
// server is running.
//
// Prints the status table, or with --json the object; with --watch every second.
int status(Invocation invocation);
// Returns when the new configuration is in force; 78 and the cause if it was refused.
int reload(Invocation invocation);
// Returns when the new program serves; 69 and the cause if the old one stays.
int upgrade(Invocation invocation);
// Returns at once; sessions finish their current message.
int drain(Invocation invocation);
// Like drain, but returns when the server has exited.
int stop(Invocation invocation);

}  // namespace handoff::ctl
