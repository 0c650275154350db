// Doctor's check of Sieve scripts.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hh"
#include "ctl/checks.hh"
#include "ctl/sieve_site.hh"
#include "filter/engine.hh"
#include "filter/global_scripts.hh"
#include "filter/program_cache.hh"

namespace handoff::ctl {
namespace {

constexpr unsigned kMostScripts = 5000;
constexpr unsigned kMostBroken = 10;  // reported

// Calls `found` with each existing path that a pattern of components describes. A component with a
// variable (%n) stands for any name.
class Expansion {
 public:
  Expansion(sys::Files& files, const std::function<void(const std::string&)>& found)
      : files_(files), found_(found) {}

  void run(const std::string& above, std::string_view pattern) {
    auto slash = pattern.find('/');
    auto part = pattern.substr(0, slash);
    bool last = slash == pattern.npos;
    auto go_on = [&](const std::string& name) {
      auto path = above + "/" + name;
      last ? found_(path) : run(path, pattern.substr(slash + 1));
    };
    if (part.find('%') == part.npos) return go_on(std::string(part));
    auto folder = files_.open_root(above.empty() ? "/" : above);
    auto names =
        folder ? files_.list(folder.value()) : Result<std::vector<std::string>>(folder.error());
    if (!names) return;
    std::ranges::sort(names.value());
    for (const auto& name : names.value()) {
      if (!name.starts_with('.')) go_on(name);
    }
  }

 private:
  sys::Files& files_;
  const std::function<void(const std::string&)>& found_;
};

class ScriptCheck {
 public:
  ScriptCheck(sys::Files& files, const conf::Config& config, const sieve::Engine& engine,
              Report& report)
      : files_(files), config_(config), engine_(engine), report_(report) {}

  void check(const std::string& path) {
    if (scripts_ >= kMostScripts) return;
    auto file = files_.open_followed(path);
    if (!file && (file.error().code == ENOENT || file.error().code == ENOTDIR)) return;
    ++scripts_;
    if (!file) return broken(path, file.error().cause());
    auto text = filter::read_all(files_, file.value(), config_.sieve.max_script_size);
    if (!text) return broken(path, text.error().cause());
    SieveSite site(directories_beside(path), config_.sieve.global_directory);
    auto checked = engine_.compile(text.value(), site, filter::limits_of(config_));
    if (auto problem = checked.problem(); !problem.empty()) broken(path, problem);
  }

  void finish() {
    if (broken_ > kMostBroken) {
      report_.warning(
          "sieve: " + std::to_string(broken_ - kMostBroken) + " more scripts have errors",
          "correct them in the same way");
    }
    if (broken_ == 0)
      report_.ok("sieve: " + std::to_string(scripts_) + " scripts of recipients compile" +
                 (scripts_ >= kMostScripts ? ", not all were checked" : ""));
  }

 private:
  void broken(const std::string& path, const std::string& what) {
    if (++broken_ > kMostBroken) return;
    report_.warning("sieve: " + escape(path) + ": " + what,
                    "handoffctl sieve check " + escape(path) + " shows all errors");
  }

  sys::Files& files_;
  const conf::Config& config_;
  const sieve::Engine& engine_;
  Report& report_;
  unsigned scripts_ = 0;
  unsigned broken_ = 0;
};

}  // namespace

void check_scripts(sys::Files& files, const conf::Config& config, Report& report) {
  if (!config.sieve.enabled) return;
  auto engine = filter::open_engine();
  if (!engine) {
    return report.problem("sieve: " + engine.error().describe(),
                          "install it, or set sieve.enabled "
                          "= no");
  }
  if (auto done = filter::check_global_scripts(config, *engine.value(), files); !done) {
    report.problem("sieve: " + done.error().describe(), "correct the script, or the setting");
  }
  ScriptCheck scripts(files, config, *engine.value(), report);
  std::function<void(const std::string&)> check = [&](const std::string& path) {
    scripts.check(path);
  };
  std::string_view path = config.sieve.script;
  if (!path.starts_with("%h/")) {
    Expansion(files, check).run("", path.substr(1));
  } else if (!config.spool.layout.starts_with("%h")) {
    Expansion(files, check)
        .run("", (config.spool.path + "/" + config.spool.layout + std::string(path.substr(2)))
                     .substr(1));
  } else {
    report.note("sieve: scripts in home directories were not checked",
                "handoffctl explain ADDRESS shows the script of a recipient");
  }
  scripts.finish();
}

}  // namespace handoff::ctl
