// The answers that a script gets from `handoffctl sieve`: included scripts come from files, folders
// from the command line, and no mark was ever set.
#pragma once

#include <string>
#include <vector>

#include "sieve/site.hh"

namespace handoff::ctl {

class SieveSite final : public sieve::Site {
 public:
  // Personal scripts are in the directory of `script` or in its subdirectory "sieve/"; global ones
  // in the directory `global`, if it is not empty. Without `folders` every folder exists.
  SieveSite(const std::string& script, std::string global, std::vector<std::string> folders);

  Result<std::optional<std::string>> script(sieve::ScriptPlace place,
                                            std::string_view name) override;
  Result<bool> folder_exists(std::string_view folder) override;
  Result<bool> special_use_exists(std::string_view folder, std::string_view use) override;
  Result<bool> seen(const sieve::Mark& mark) override;
  Result<std::optional<std::string>> environment(std::string_view item) override;

 private:
  std::string beside_;
  std::string global_;
  std::vector<std::string> folders_;
};

}  // namespace handoff::ctl
