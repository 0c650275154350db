#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>
#include <string>

#include "base/quantity.hh"
#include "conf/command_line.hh"
#include "conf/file.hh"
#include "ctl/commands.hh"
#include "ctl/control_client.hh"
#include "ctl/status_screen.hh"
#include "recipients/kinds.hh"
#include "spool/waiting.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/stream.hh"
#include "sys/terminal.hh"

namespace handoff::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kStatusLimit{10};
// A reload or the trial of an upgrade opens the spool and the lookups, possibly over a network; the
// master allows 30 s for that.
constexpr seconds kChangeLimit{60};
constexpr seconds kWatchInterval{1};
constexpr std::size_t kColumns = 80;  // in a pipe, or if the terminal reports no width
constexpr milliseconds kPollInterval{50};

// Needs only two settings, so that a server can be queried and stopped although its configuration
// file has become invalid.
conf::Config service_config(const Invocation& invocation) {
  try {
    return conf::load_file(invocation.config_file, recipients::parse_lookup).config;
  } catch (const conf::ConfigError&) {
    const auto& given = invocation.config_file;
    auto assignments = conf::read_file(given.empty() ? conf::kDefaultFile : given);
    auto is_needed = [](const conf::Assignment& a) {
      return a.key == "control.socket" || a.key == "spool.path";
    };
    std::erase_if(assignments, std::not_fn(is_needed));
    return conf::combine(assignments, {}, recipients::parse_lookup).config;
  }
}

void pause(milliseconds duration) {
  static_cast<void>(sys::wait_for({}, sys::Steady::now() + duration, false));
}

bool is_not_running(const Error& error) {
  return error.code == ECONNREFUSED || error.code == ENOENT;
}

// Returns the host for whose spool the server waits.
std::optional<std::string> awaited_host(const conf::Config& config) {
  sys::Files files;
  auto run = files.open_root(config.run_directory());
  return run ? spool::Waiting::host(files, run.value()) : std::nullopt;
}

int complain(const Error& error, const conf::Config& config) {
  if (auto host = is_not_running(error) ? awaited_host(config) : std::nullopt) {
    std::cerr << "handoffctl: not serving: waiting for the spool " << config.spool.path
              << ", which the host " << *host << " has\n";
    return EX_UNAVAILABLE;
  }
  bool denied = error.code == EACCES || error.code == EPERM;
  std::cerr
      << "handoffctl: "
      << (is_not_running(error) ? "no server is running with this configuration: " : "")
      << error.describe()
      << (denied ? "\n            fix: run it as root, or as the user that started handoffd: only "
                   "these may use control.socket"
                 : "")
      << "\n";
  return denied ? EX_NOPERM : EX_UNAVAILABLE;
}

// Prints the master's answer. `refused` is the exit code for a refusal.
int print(const Result<ControlAnswer>& answer, const conf::Config& config, int refused) {
  if (!answer) return complain(answer.error(), config);
  bool ok = answer.value().code == 200;
  (ok ? std::cout : std::cerr) << (ok ? "" : "handoffctl: ") << answer.value().body;
  return ok ? EX_OK : refused;
}

}  // namespace

int status(Invocation invocation) {
  bool json = invocation.take_flag("--json");
  bool watch = invocation.take_flag("--watch");
  invocation.expect_no_more();
  auto config = service_config(invocation);
  const auto& socket = config.control_socket;
  for (;;) {
    auto answer = ask_master(socket, "GET", json ? "/status.json" : "/status", kStatusLimit);
    auto screen = sys::terminal_size(sys::kStandardOutput);
    if (!json && answer && answer.value().code == 200) {
      auto& body = answer.value().body;
      auto columns = screen && screen->columns != 0 ? screen->columns : kColumns;
      body = fit_table(body, columns, Colours::on(sys::kStandardOutput));
      if (watch && screen) {
        auto now = sys::Wall::now().time_since_epoch();
        body = time_text(std::chrono::duration_cast<seconds>(now).count()) +
               ", every second; Ctrl-C ends\n" + body;
        body = fit_screen(body, screen->lines);
      }
    }
    // The screen is cleared only when the new output is ready.
    if (watch && !json && screen) std::cout << "\x1b[H\x1b[2J";
    int code = print(answer, config, EX_UNAVAILABLE);
    std::cout << std::flush;
    if (!watch || !std::cout) return code;
    pause(kWatchInterval);
  }
}

int reload(Invocation invocation) {
  invocation.expect_no_more();
  auto config = service_config(invocation);
  return print(ask_master(config.control_socket, "POST", "/reload", kChangeLimit), config,
               EX_CONFIG);
}

int upgrade(Invocation invocation) {
  invocation.expect_no_more();
  auto config = service_config(invocation);
  const auto& socket = config.control_socket;
  auto until = sys::Steady::now() + kChangeLimit;
  auto tested = ask_master(socket, "POST", "/upgrade", kChangeLimit);
  if (!tested || tested.value().code != 200) return print(tested, config, EX_UNAVAILABLE);
  for (;;) {
    auto ready = ask_master(socket, "GET", "/ready", kChangeLimit);
    // The program may have been replaced before it could answer.
    bool again = !ready && ready.error().code != ETIMEDOUT && sys::Steady::now() < until;
    if (!again) return print(ready, config, EX_UNAVAILABLE);
    pause(kPollInterval);
  }
}

int drain(Invocation invocation) {
  invocation.expect_no_more();
  auto config = service_config(invocation);
  return print(ask_master(config.control_socket, "POST", "/drain", kStatusLimit), config,
               EX_TEMPFAIL);
}

int stop(Invocation invocation) {
  invocation.expect_no_more();
  auto config = service_config(invocation);
  const auto& socket = config.control_socket;
  auto answer = ask_master(socket, "POST", "/drain", kStatusLimit);
  if (!answer || answer.value().code != 200) return print(answer, config, EX_TEMPFAIL);
  // The server closes this socket last.
  for (;;) {
    auto alive = ask_master(socket, "GET", "/alive", kStatusLimit);
    if (!alive && is_not_running(alive.error())) break;
    pause(kPollInterval);
  }
  std::cout << "stopped\n";
  return EX_OK;
}

}  // namespace handoff::ctl
