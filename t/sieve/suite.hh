// The world of one .svtest file of Pigeonhole: its message, envelope, folders and sent mail, and
// the results of its scripts. The commands of vnd.dovecot.testsuite (testsuite.cc) work on it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sieve/checker.hh"
#include "sieve/run.hh"

namespace handoff::sieve::testsuite {

struct Stored {
  std::string text;
  std::vector<std::string> flags;
};
struct Sent {
  std::string from;
  std::string to;
  std::string text;
};

// How one `test` ended.
struct Outcome {
  std::string name;
  std::size_t line = 0;
  std::string failure;  // empty: it passed
};

class Suite;

// A run whose message and results a script can change.
class TestRun : public Run {
 public:
  TestRun(Suite& suite, Message& message, const Facts& facts, Site& site, const Limits& limits)
      : Run(message, facts, site, limits), suite_(suite) {}
  Suite& suite() { return suite_; }
  using Run::reset;
  using Run::use;

 private:
  Suite& suite_;
};

class Suite : public Site {
 public:
  explicit Suite(std::string path);

  // Runs the whole file.
  void run();
  std::vector<Outcome> outcomes;
  std::string broken;  // the reason why the file itself does not run

  // The members below are for the commands.
  TestRun& main() { return *run_; }
  void set_message(std::string text);
  Facts& facts() { return facts_; }
  Limits& limits() { return limits_; }
  void configure(const std::string& name, const std::string& value);
  bool compile_script(const std::string& name);
  bool run_script(bool append);
  bool run_scripts(const std::vector<std::string>& names);
  bool execute();
  void reset_result();
  bool show_folder(const std::string& folder, std::size_t index);
  bool show_sent(std::size_t index);
  void create_folder(const std::string& folder) { folders_[folder]; }
  std::vector<std::string> result_names();

  std::vector<std::string> errors;     // of the last compilation, run or execution
  bool compile_failed = false;         // the last compilation failed, as was expected
  std::optional<std::string> failure;  // of the current test
  bool ended = false;  // the current test ends here: what follows counts Pigeonhole's own errors

  // Site
  Result<std::optional<std::string>> script(ScriptPlace place, std::string_view name) override;
  Result<bool> folder_exists(std::string_view folder) override;
  Result<bool> special_use_exists(std::string_view, std::string_view) override { return false; }
  Result<bool> seen(const Mark&) override { return false; }
  Result<std::optional<std::string>> environment(std::string_view item) override;

 private:
  bool store(const Copy& copy, const std::string& text);
  std::string text_of(const Edited& edited) const;

  std::string path_;
  std::string folder_;  // of the file
  Facts facts_;
  Limits limits_;
  std::map<std::string, std::string> settings_;
  std::deque<std::string> texts_;  // all messages that were set; runs refer to them
  std::vector<std::unique_ptr<Message>> messages_;
  std::unique_ptr<TestRun> run_;
  Compiled script_;
  std::string script_name_;
  std::size_t executed_ = 0;  // actions of the result
  std::map<std::string, std::vector<Stored>> folders_;
  std::vector<Sent> sent_;
};

// Returns the language with vnd.dovecot.testsuite.
const Language& language();

}  // namespace handoff::sieve::testsuite
