#include "ctl/service.hh"

#include <sysexits.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hh"
#include "conf/command_line.hh"
#include "conf/file.hh"
#include "ctl/control_client.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"
#include "sys/stream.hh"
#include "sys/terminal.hh"

namespace handoff::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kStatusLimit{10};
// A reload, or the trial of an upgrade, opens spool and lookup, which may be across a network; the
// master gives it 30 s.
constexpr seconds kChangeLimit{60};
constexpr seconds kWatchEvery{1};
constexpr milliseconds kPause{50};

// A server can be asked, and stopped, whose configuration has a mistake in it by now: nothing but
// the socket's place is needed of it.
std::string control_socket(const Invocation& invocation) {
  try {
    return conf::load_file(invocation.config_file).config.control_socket;
  } catch (const conf::ConfigError&) {
    const auto& given = invocation.config_file;
    auto assignments = conf::read_file(given.empty() ? conf::kDefaultFile : given);
    auto is_socket = [](const conf::Assignment& a) { return a.key == "control.socket"; };
    std::erase_if(assignments, std::not_fn(is_socket));
    return conf::combine(assignments, {}).config.control_socket;
  }
}

// As much of a text as a screen of so many lines has room for, the cursor below it; 0: all.
std::string screenful(std::string_view text, std::size_t lines) {
  auto all = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  if (lines < 3 || all < lines) return std::string(text);
  std::size_t end = 0;
  for (std::size_t shown = 0; shown + 2 < lines; ++shown) end = text.find('\n', end) + 1;
  return std::string(text.substr(0, end)) + "... " + std::to_string(all + 2 - lines) +
         " lines more\n";
}

void pause(std::chrono::milliseconds how_long) {
  static_cast<void>(sys::wait_for({}, sys::Steady::now() + how_long, false));
}

bool nobody_there(const Error& error) { return error.code == ECONNREFUSED || error.code == ENOENT; }

int complain(const Error& error) {
  std::cerr << "handoffctl: "
            << (nobody_there(error) ? "no server runs with this configuration: " : "")
            << error.describe() << "\n";
  return EX_UNAVAILABLE;
}

[[noreturn]] void misused(const std::string& argument) {
  throw conf::ConfigError("argument " + escape(argument) + ": not expected (see handoffctl --help)",
                          EX_USAGE);
}

void take_no_arguments(const Invocation& invocation) {
  if (!invocation.arguments.empty()) misused(invocation.arguments.front());
}

// Says what the master answered; `refused` is the exit code where it would not.
int say(const Result<ControlAnswer>& answer, int refused) {
  if (!answer) return complain(answer.error());
  bool ok = answer.value().code == 200;
  (ok ? std::cout : std::cerr) << (ok ? "" : "handoffctl: ") << answer.value().body;
  return ok ? EX_OK : refused;
}

}  // namespace

int status(const Invocation& invocation) {
  bool json = false;
  bool watch = false;
  for (const auto& argument : invocation.arguments) {
    if (argument == "--json") {
      json = true;
    } else if (argument == "--watch") {
      watch = true;
    } else {
      misused(argument);
    }
  }
  auto socket = control_socket(invocation);
  for (;;) {
    auto answer = ask_master(socket, "GET", json ? "/status.json" : "/status", kStatusLimit);
    // The screen is wiped when there is something to show. A server that is away may come back.
    auto screen = sys::terminal_lines(sys::kStandardOutput);
    if (watch && !json && screen) {
      std::cout << "\x1b[H\x1b[2J";
      if (answer) answer.value().body = screenful(answer.value().body, *screen);
    }
    int code = say(answer, EX_UNAVAILABLE);
    std::cout << std::flush;
    if (!watch || !std::cout) return code;
    pause(kWatchEvery);
  }
}

int reload(const Invocation& invocation) {
  take_no_arguments(invocation);
  return say(ask_master(control_socket(invocation), "POST", "/reload", kChangeLimit), EX_CONFIG);
}

int upgrade(const Invocation& invocation) {
  take_no_arguments(invocation);
  auto socket = control_socket(invocation);
  auto until = sys::Steady::now() + kChangeLimit;
  auto proved = ask_master(socket, "POST", "/upgrade", kChangeLimit);
  if (!proved || proved.value().code != 200) return say(proved, EX_UNAVAILABLE);
  for (;;) {
    auto ready = ask_master(socket, "GET", "/ready", kChangeLimit);
    // The program that was asked may have been replaced before it could answer.
    bool again = !ready && ready.error().code != ETIMEDOUT && sys::Steady::now() < until;
    if (!again) return say(ready, EX_UNAVAILABLE);
    pause(kPause);
  }
}

int drain(const Invocation& invocation) {
  take_no_arguments(invocation);
  return say(ask_master(control_socket(invocation), "POST", "/drain", kStatusLimit), EX_TEMPFAIL);
}

int stop(const Invocation& invocation) {
  take_no_arguments(invocation);
  auto socket = control_socket(invocation);
  auto answer = ask_master(socket, "POST", "/drain", kStatusLimit);
  if (!answer || answer.value().code != 200) return say(answer, EX_TEMPFAIL);
  // The socket is the last that it lets go of.
  for (;;) {
    auto there = ask_master(socket, "GET", "/alive", kStatusLimit);
    if (!there && nobody_there(there.error())) break;
    pause(kPause);
  }
  std::cout << "stopped\n";
  return EX_OK;
}

}  // namespace handoff::ctl
