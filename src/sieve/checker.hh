// Checks a parsed script against the language and completes its tree: kinds, tags, strings with
// variables. A script that passes needs no further checks while it runs.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/language.hh"
#include "sieve/limits.hh"
#include "sieve/program.hh"
#include "sieve/site.hh"

namespace handoff::sieve {

struct Compiled {
  Program program;
  Faults faults;               // not empty: the program must not run
  std::optional<Error> error;  // the site failed to read an included script: try again later
  Faults missing;              // included scripts that do not exist: faults when they are needed
};

// Compiles `script`. The scripts that it includes are requested from `site` and compiled too.
Compiled compile(std::string_view script, Site& site, const Limits& limits = {},
                 const Language& language = Language::standard());

// Compiles one script at a time into `out`. Kind::check gets this object.
class Checker {
 public:
  Checker(Compiled& out, Site& site, const Limits& limits, const Language& language)
      : out_(out), site_(site), limits_(limits), language_(language) {}

  // Compiles a script and returns its number in the program.
  std::size_t add(std::string name, std::string_view text, ScriptPlace place);

  // For Kind::check.
  void fault(std::size_t line, std::string what);
  bool active(std::string_view extension) const { return active_.contains(extension); }
  // Returns whether one of "a|b" is active.
  bool any_active(std::string_view extensions) const;
  // Makes an extension and what it includes active; false if the language has no such extension.
  bool require(std::string_view extension);
  const Language& language() const { return language_; }
  const Limits& limits() const { return limits_; }
  // From here on, unknown commands and tags are faults only when they run (RFC 5463 4).
  void be_lenient() { lenient_ = true; }
  // Returns the string of an argument that must not contain variables. If it does, adds a fault and
  // returns an empty string.
  std::string constant(const Argument& argument);
  // Checks the name of a variable that a command sets, and counts it.
  void check_variable(const Argument& argument);
  // The same for a variable that becomes global, which the script must not have set before (RFC
  // 6609 3.4.1).
  void check_global_variable(const Argument& argument);
  // RFC 6609: determines the script of an include command, and compiles it if necessary.
  void include(Call& call);
  // RFC 5703 3: the names of the loops around this command, empty for those without a name.
  const std::vector<std::string>& loops() const { return loops_; }

 private:
  // The call in messages: "'fileinto'".
  static std::string named(const Call& call);
  void check_needs();
  void block(std::vector<Call>& commands);
  void command(Call& call, Branch before);
  void test(Call& call);
  void contents(Call& call);
  const Kind* kind_of(const Call& call, bool is_test);
  void reject_unknown(Call& call, bool is_test);
  void check_requires(Call& call);
  void resolve_tags(Call& call);
  bool resolve_tag(Call& call, TagArgument& tag, std::size_t& taken);
  void check_arguments(Call& call);
  void prepare(Argument& argument);
  void check_match(Call& call);
  void check_subtests(Call& call);

  Compiled& out_;
  Site& site_;
  const Limits& limits_;
  const Language& language_;
  // The name of the script that is being compiled.
  std::string name_;
  std::set<std::string, std::less<>> active_;
  std::set<std::string, std::less<>> variables_;
  std::set<std::string, std::less<>> globals_;
  std::vector<std::string> loops_;
  std::size_t found_ = 0;  // number of faults, including those beyond the limit
  bool lenient_ = false;
  bool beginning_ = true;  // only require so far
  // Place and name of each script that is being compiled, outermost first.
  std::vector<std::pair<ScriptPlace, std::string>> including_;
  std::vector<std::pair<std::pair<ScriptPlace, std::string>, std::size_t>> included_;
};

}  // namespace handoff::sieve
