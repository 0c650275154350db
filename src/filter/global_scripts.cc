#include "filter/global_scripts.hh"

#include <cerrno>
#include <optional>

#include "base/text.hh"
#include "filter/program_cache.hh"

namespace handoff::filter {
namespace {

class GlobalSite final : public sieve::Site {
 public:
  GlobalSite(const conf::Config& config, sys::Files& files) : config_(config), files_(files) {}

  Result<std::optional<std::string>> script(sieve::ScriptPlace place,
                                            std::string_view name) override {
    if (place == sieve::ScriptPlace::kPersonal) return std::optional<std::string>("");
    const auto& directory = config_.sieve.global_directory;
    if (directory.empty()) return std::optional<std::string>();
    auto file = files_.open_followed(included_path(directory, name));
    bool missing = !file && (file.error().code == ENOENT || file.error().code == ENOTDIR);
    if (missing) return std::optional<std::string>();
    if (!file) return file.error();
    auto text = read_all(files_, file.value(), config_.sieve.max_script_size);
    if (!text) return text.error();
    return std::optional(std::move(text).value());
  }
  Result<bool> folder_exists(std::string_view) override { return true; }
  Result<bool> special_use_exists(std::string_view, std::string_view) override { return true; }
  Result<bool> seen(const sieve::Mark&) override { return false; }
  Result<std::optional<std::string>> environment(std::string_view) override {
    return std::optional<std::string>();
  }

 private:
  const conf::Config& config_;
  sys::Files& files_;
};

}  // namespace

std::vector<std::string> global_scripts(const conf::Config& config) {
  auto paths = config.sieve.before;
  paths.insert(paths.end(), config.sieve.after.begin(), config.sieve.after.end());
  if (!config.sieve.fallback.empty()) paths.push_back(config.sieve.fallback);
  return paths;
}

sieve::Limits limits_of(const conf::Config& config) {
  sieve::Limits limits;
  limits.script_size = config.sieve.max_script_size;
  limits.actions = config.sieve.max_actions;
  limits.redirects = config.sieve.max_redirects;
  limits.steps = config.sieve.max_steps;
  return limits;
}

Status check_global_scripts(const conf::Config& config, const sieve::Engine& engine,
                            sys::Files& files) {
  auto check = [&](std::string_view setting, const std::string& path) -> Status {
    auto wrong = [&](const std::string& what) {
      return config.locate(setting,
                           explained(EINVAL, std::string(setting) + " = " + path + ": " + what));
    };
    auto file = files.open_followed(path);
    if (!file) return wrong(file.error().cause());
    auto text = read_all(files, file.value(), config.sieve.max_script_size);
    if (!text) return wrong(text.error().cause());
    GlobalSite site(config, files);
    auto checked = engine.compile(text.value(), site, limits_of(config));
    auto problem = checked.problem();
    return problem.empty() ? Status() : wrong(problem);
  };
  for (const auto& path : config.sieve.before) {
    if (auto done = check("sieve.before", path); !done) return done;
  }
  for (const auto& path : config.sieve.after) {
    if (auto done = check("sieve.after", path); !done) return done;
  }
  if (config.sieve.fallback.empty()) return {};
  return check("sieve.default", config.sieve.fallback);
}

std::string included_path(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name) + (name.ends_with(".sieve") ? "" : ".sieve");
}

}  // namespace handoff::filter
