// The answers that a script gets from handoffctl: included scripts come from files, folders from
// the command line or a Maildir, and no mark was ever set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sieve/site.hh"

namespace handoff::ctl {

// Returns the directories in which personal scripts that `script` includes are looked for, if no
// setting names one: "sieve" beside the script, then the script's own directory.
std::vector<std::string> directories_beside(const std::string& script);

class SieveSite final : public sieve::Site {
 public:
  // Personal scripts are in the first of `personal` that has one of the name; global ones in the
  // directory `global`, if it is not empty.
  SieveSite(std::vector<std::string> personal, std::string global)
      : personal_(std::move(personal)), global_(std::move(global)) {}

  // Only these folders and the inbox exist; without a call every folder exists. A name is compared
  // as a delivery does: '/' and '.' both separate a folder from its subfolder, "INBOX/" before a
  // name is left out, and case does not matter.
  void set_folders(std::vector<std::string> folders) { folders_ = std::move(folders); }

  Result<std::optional<std::string>> script(sieve::ScriptPlace place,
                                            std::string_view name) override;
  Result<bool> folder_exists(std::string_view folder) override;
  Result<bool> special_use_exists(std::string_view folder, std::string_view use) override;
  Result<bool> seen(const sieve::Mark& mark) override;
  Result<std::optional<std::string>> environment(std::string_view item) override;

 private:
  std::vector<std::string> personal_;
  std::string global_;
  std::optional<std::vector<std::string>> folders_;
};

}  // namespace handoff::ctl
