// handoffctl sieve: checks a Sieve script, and shows what the script would do with a message.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include "ctl/commands.hh"
#include "ctl/plan_text.hh"
#include "ctl/sieve_commands.hh"
#include "ctl/sieve_trial.hh"
#include "filter/engine.hh"

namespace handoff::ctl {
namespace {

[[noreturn]] void fail(const std::string& what, int code = EX_USAGE) {
  throw conf::ConfigError(what, code);
}

const sieve::Engine& open_engine() {
  auto engine = filter::open_engine();
  if (!engine) fail(engine.error().describe(), EX_UNAVAILABLE);
  return *engine.value();
}

std::string read_input() {
  std::string out(std::istreambuf_iterator<char>(std::cin), {});
  if (std::cin.bad()) fail("standard input: cannot be read", EX_NOINPUT);
  return out;
}

int check_one(Invocation& invocation) {
  SieveTrial trial(open_engine(), invocation);
  invocation.expect_no_more();
  auto code = trial.check();
  if (code == EX_OK) std::cout << trial.script() << ": no errors\n";
  return code;
}

int test_one(Invocation& invocation) {
  SieveTrial trial(open_engine(), invocation);
  invocation.expect_no_more();
  auto code = trial.prepare();
  auto message = read_input();
  auto ran =
      trial.run(message, trial.from().empty() ? "sender@example.org" : trial.from(), trial.to());
  print_trace(std::cout, trial.script(), ran.trace);
  auto failed = report_faults(trial.script(), ran.faults, ran.error);
  print_plan(std::cout, ran.plan);
  for (const auto& remark : trial.remarks(ran.plan)) std::cout << "  " << remark << "\n";
  return failed != EX_OK ? failed : code;
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string out(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return std::nullopt;
  return out;
}

std::vector<std::string> take_options(std::vector<std::string>& arguments, std::string_view name) {
  std::vector<std::string> out;
  for (auto at = arguments.begin(); at != arguments.end();) {
    if (*at != name) {
      ++at;
      continue;
    }
    if (at + 1 == arguments.end()) fail(std::string(name) + " needs an argument");
    out.push_back(at[1]);
    at = arguments.erase(at, at + 2);
  }
  return out;
}

std::string take_option(std::vector<std::string>& arguments, std::string_view name,
                        std::string otherwise) {
  auto all = take_options(arguments, name);
  return all.empty() ? std::move(otherwise) : all.back();
}

int report_faults(const std::string& script, const sieve::Faults& faults,
                  const std::optional<Error>& error) {
  for (const auto& fault : faults) {
    std::cout << (fault.script.empty() ? script : fault.script) << ":" << fault.line << ": "
              << fault.what << "\n";
  }
  if (error) std::cout << script << ": " << error->describe() << "\n";
  if (error) return EX_TEMPFAIL;
  return faults.empty() ? EX_OK : EX_DATAERR;
}

int sieve(Invocation invocation) {
  auto& arguments = invocation.arguments;
  if (arguments.size() < 2)
    fail("sieve: a command and its argument are missing (see handoffctl --help)");
  auto what = arguments.front();
  arguments.erase(arguments.begin());
  // Options may come before the script.
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (at->starts_with("--")) {
      if (++at == arguments.end()) break;
      continue;
    }
    std::rotate(arguments.begin(), at, at + 1);
    break;
  }
  if (arguments.front().starts_with("--"))
    fail("sieve " + escape(what) + ": the script or id is missing");
  if (what == "check") return check_one(invocation);
  if (what == "test") return test_one(invocation);
  if (what == "why") return sieve_why(invocation);
  if (what == "rehearse") return sieve_rehearse(invocation, open_engine());
  fail("sieve " + escape(what) + ": no such command (see handoffctl --help)");
}

}  // namespace handoff::ctl
