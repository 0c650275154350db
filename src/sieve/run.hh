// One run of a user's scripts over one message. Commands and tests are functions that get it as an
// argument; see kind.hh.
//
// Calling sequence: construct it, execute() each script in turn, then finish().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "sieve/comparator.hh"
#include "sieve/facts.hh"
#include "sieve/fault.hh"
#include "sieve/kind.hh"
#include "sieve/limits.hh"
#include "sieve/message.hh"
#include "sieve/plan.hh"
#include "sieve/program.hh"
#include "sieve/regex.hh"
#include "sieve/site.hh"
#include "sieve/trace.hh"
#include "sieve/variables.hh"

namespace handoff::sieve {

class Run {
 public:
  // All arguments must outlive the run. If `trace` is null, no trace is recorded.
  Run(Message& message, const Facts& facts, Site& site, const Limits& limits,
      Trace* trace = nullptr);

  // Runs one script. kFailed: see fault() and error(); nothing may be executed afterwards.
  Flow execute(const Program& program);
  // Returns whether the next script of a sequence runs, that is, whether the message is kept. Turns
  // an explicit keep into the implicit keep, which the next script may cancel.
  bool carries_on();
  // Writes the name of the script into the actions, the trace and the fault that have none yet.
  void name_script(const std::string& script);
  // Returns the plan, with the implicit keep unless an action cancelled it (RFC 5228 2.10.2). After
  // a failure it is the implicit keep of the unchanged message alone (RFC 5228 2.10.6).
  Plan finish();

  // Returns the fault of the script that ended the run, if any.
  const std::optional<Fault>& fault() const { return fault_; }
  // Returns the failure of the site that ended the run, if any: the message must be deferred.
  const std::optional<Error>& error() const { return error_; }
  bool failed() const { return fault_.has_value() || error_.has_value(); }
  std::uint64_t steps() const { return steps_; }
  // Lines that debug_log wrote.
  const std::vector<std::string>& log() const { return log_; }

  // The functions below are for commands and tests.
  Message& message() { return *message_; }
  const Facts& facts() const { return *facts_; }
  Site& site() { return site_; }
  // Call before each question to the site. Returns false, and fails, if there are too many.
  bool may_ask();
  const Limits& limits() const { return limits_; }
  Variables& variables() { return variables_; }
  std::vector<std::string>& flags() { return flags_; }
  Plan& plan() { return plan_; }

  Flow fail(std::size_t line, std::string what);
  Flow fail(const Error& error);
  // Counts steps; returns false if the limit is exceeded.
  bool step(std::uint64_t count = 1);

  Flow block(const std::vector<Call>& commands);
  bool test(const Call& call);
  // RFC 6609: runs another script of the program.
  Flow include(const Call& call);
  // Returns whether the script that is running includes itself, or was included before.
  bool executed(std::size_t script) const { return executed_.contains(script); }

  // Returns a string with its variables replaced.
  std::string expand(const Text& text);
  std::string string(const Argument& argument) { return expand(argument.texts.front()); }
  std::vector<std::string> list(const Argument& argument);
  // Returns the string of a tag, nothing if the tag is absent.
  std::optional<std::string> string(const Call& call, Tag tag);

  // Returns whether one of `values` matches one of the keys by the match type and comparator of
  // `call` (RFC 5228 2.7, RFC 5231). Sets match variables, unless `quiet`.
  bool match(const Call& call, const std::vector<std::string>& values, const Argument& keys,
             bool quiet = false);
  // Returns the index of the occurrence, among `count` of them, that :index and :last select (RFC
  // 5260 6). Nothing if there is no such occurrence, or if the call has no :index (see
  // Call::has()).
  static std::optional<std::size_t> index(const Call& call, std::size_t count);

  // Adds an action and cancels the implicit keep, unless `copies` (RFC 3894). Fails if it conflicts
  // with earlier ones or exceeds a limit.
  Flow add(const Call& call, Action action, bool copies = false);
  // Returns a Message-ID, without < >, that no other message of this run has; empty if the caller
  // named none.
  std::string new_message_id();
  void cancel_keep() { keep_ = false; }
  bool keeps() const { return keep_; }
  bool count_header_edit(std::size_t line);
  Place place(const Call& call) const;
  void note(const Call& call, std::string what);
  void log(std::string line) { log_.push_back(std::move(line)); }

  // RFC 5703: the current part of each loop around a command, innermost last.
  std::vector<Part*>& parts() { return parts_; }
  // After kBreak: the number of loops that must still be left.
  std::size_t& breaking() { return breaking_; }

 protected:
  // For test programs: uses another message and other facts from now on.
  void use(Message& message, const Facts& facts) {
    message_ = &message;
    facts_ = &facts;
  }
  // Forgets all actions.
  void reset();

 private:
  bool match_key(const Call& call, const Comparator& comparator, std::string_view value,
                 const Text& text, const std::string& key, bool quiet);
  const re2::RE2* regex_of(const Call& call, const Text& text, const std::string& key,
                           bool ignore_case);
  void record(const Call& call, const std::vector<std::string>& values,
              std::vector<std::string> keys, bool result);
  bool conflicts(const Action& action) const;
  bool merge(const Action& action);

  Message* message_;
  const Facts* facts_;
  Site& site_;
  const Limits& limits_;
  Trace* trace_;
  Variables variables_;
  const Program* program_ = nullptr;
  std::vector<std::size_t> running_;  // numbers of the scripts, the innermost last
  std::set<std::size_t> executed_;
  Plan plan_;
  bool keep_ = true;
  Place kept_;  // of the keep that became the implicit one
  std::vector<std::string> flags_;
  std::uint64_t steps_ = 0;
  std::size_t edits_ = 0;
  std::size_t questions_ = 0;
  std::size_t messages_ = 0;  // that the script has made
  std::size_t line_ = 0;      // of the command or test that runs
  std::string rule_;
  std::vector<Part*> parts_;
  std::size_t breaking_ = 0;
  std::vector<std::string> log_;
  // The compiled forms of regular expressions that contain variables.
  std::map<std::pair<std::string, bool>, Regex> regexes_;
  std::optional<Fault> fault_;
  std::optional<Error> error_;
};

}  // namespace handoff::sieve
