#include "ctl/sieve_site.hh"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace handoff::ctl {

SieveSite::SieveSite(const std::string& script, std::string global,
                     std::vector<std::string> folders)
    : beside_(std::filesystem::path(script).parent_path()),
      global_(std::move(global)),
      folders_(std::move(folders)) {
  if (beside_.empty()) beside_ = ".";
}

Result<std::optional<std::string>> SieveSite::script(sieve::ScriptPlace place,
                                                     std::string_view name) {
  bool global = place == sieve::ScriptPlace::kGlobal;
  if (global && global_.empty()) return std::optional<std::string>();
  auto file = std::string(name) + (name.ends_with(".sieve") ? "" : ".sieve");
  auto folders = global ? std::vector{global_} : std::vector{beside_ + "/sieve", beside_};
  for (const auto& folder : folders) {
    auto path = folder + "/" + file;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    std::ifstream in(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || in.bad()) return Error{EIO, "read", path};
    return std::optional(std::move(text));
  }
  return std::optional<std::string>();
}

Result<bool> SieveSite::folder_exists(std::string_view folder) {
  return folders_.empty() || folder == "INBOX" ||
         std::ranges::find(folders_, folder) != folders_.end();
}

Result<bool> SieveSite::special_use_exists(std::string_view, std::string_view) { return false; }
Result<bool> SieveSite::seen(const sieve::Mark&) { return false; }
Result<std::optional<std::string>> SieveSite::environment(std::string_view) {
  return std::optional<std::string>();
}

}  // namespace handoff::ctl
