#include "ctl/sieve_site.hh"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.hh"
#include "filter/global_scripts.hh"
#include "recipients/folder.hh"

namespace handoff::ctl {
namespace {

// "Lists.Sieve" of "INBOX/Lists/Sieve".
std::string plain_folder(std::string_view folder) {
  std::string out(folder);
  std::ranges::replace(out, '/', '.');
  if (istarts_with(out, "INBOX.")) out.erase(0, 6);
  return out;
}

}  // namespace

std::vector<std::string> directories_beside(const std::string& script) {
  auto beside = std::filesystem::path(script).parent_path().string();
  if (beside.empty()) beside = ".";
  return {beside + "/sieve", beside};
}

Result<std::optional<std::string>> SieveSite::script(sieve::ScriptPlace place,
                                                     std::string_view name) {
  bool global = place == sieve::ScriptPlace::kGlobal;
  if ((global && global_.empty()) || name.starts_with('.')) return std::optional<std::string>();
  for (const auto& directory : global ? std::vector{global_} : personal_) {
    auto path = filter::included_path(directory, name);
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
  auto wanted = plain_folder(folder);
  return !folders_ || iequals(wanted, "INBOX") ||
         std::ranges::any_of(*folders_, [&](const std::string& existing) {
           return recipients::is_same_folder(plain_folder(existing), wanted, FolderEncoding::kUtf8);
         });
}

Result<bool> SieveSite::special_use_exists(std::string_view folder, std::string_view use) {
  for (const auto& usual : recipients::usual_folders(use)) {
    if (!folder.empty() && !iequals(plain_folder(folder), usual)) continue;
    if (folder_exists(usual).value()) return true;
  }
  return false;
}

Result<bool> SieveSite::seen(const sieve::Mark&) { return false; }
Result<std::optional<std::string>> SieveSite::environment(std::string_view) {
  return std::optional<std::string>();
}

}  // namespace handoff::ctl
