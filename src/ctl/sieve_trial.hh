// Runs a script for `handoffctl sieve`, with the settings, the site's scripts and the facts that a
// delivery would have. It looks up nothing: the recipient is the address that --to names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hh"
#include "ctl/commands.hh"
#include "ctl/sieve_site.hh"
#include "sieve/engine.hh"

namespace handoff::ctl {

class SieveTrial {
 public:
  // Takes the script, the first argument, and the options, and reads the configuration; without
  // --config, defaults apply if the default file is absent, or if this user cannot read it, which
  // standard error then says. Throws conf::ConfigError.
  SieveTrial(const sieve::Engine& engine, Invocation& invocation);

  const std::string& script() const { return script_; }
  // The values of --from and --to; empty if not given.
  const std::string& from() const { return from_; }
  const std::string& to() const { return to_; }
  // If no option --folder was given, these folders exist.
  void suggest_folders(std::vector<std::string> folders);

  // Compiles the script alone and prints its faults. Returns the exit code.
  int check();
  // The same with the scripts of the site that run before and after it. Call it before run().
  int prepare();
  // Runs the scripts over a message with this envelope.
  sieve::Ran run(std::string_view message, std::string from, std::string to);
  // What a delivery of the plan does that the plan does not say, such as "the folder "Food" does
  // not exist: stored in the inbox". One line each.
  std::vector<std::string> remarks(const sieve::Plan& plan);

 private:
  sieve::CompiledScript compile(const std::string& path);

  const sieve::Engine& engine_;
  conf::Config config_;
  sieve::Limits limits_;
  std::string script_;
  std::string from_;
  std::string to_;
  std::vector<std::string> addresses_;
  bool folders_given_ = false;
  SieveSite site_;
  std::vector<std::pair<std::string, sieve::CompiledScript>> scripts_;  // with their names
};

}  // namespace handoff::ctl
