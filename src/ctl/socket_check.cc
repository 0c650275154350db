#include "ctl/socket_check.hh"

#include <cerrno>
#include <cstdio>

#include "base/text.hh"
#include "ctl/lmtp_client.hh"
#include "sys/account.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"

namespace handoff::ctl {
namespace {

constexpr std::chrono::seconds kWait{5};

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode));
  return text;
}

std::string_view cure_of(int error) {
  switch (error) {
    case ENOENT:
      return "start handoffd; if it runs, its listen and this configuration's are not the same";
    case ECONNREFUSED:
      return "nobody listens there any more: start handoffd";
    case EACCES:
    case EPERM:
      return "run the doctor as root, or let this user connect by socket.group and socket.mode";
    case EAGAIN:
    case ETIMEDOUT:
      return "all workers are busy: look at the log, raise workers.max or socket.backlog";
    default:
      return "look at the server's log";
  }
}

void check_greeting(const Endpoint& endpoint, Report& report) {
  std::string what = "socket " + endpoint.text() + ": ";
  auto socket = sys::connect_to(endpoint, sys::Steady::now() + kWait);
  if (!socket) {
    report.problem("socket: " + socket.error().describe(), cure_of(socket.error().code));
    return;
  }
  if (endpoint.tls) {
    report.ok(what + "takes connections; it wants TLS first, so its greeting was not heard");
    return;
  }
  sys::Stream stream(std::move(socket).value());
  LmtpClient client(stream, "localhost", {.reply = kWait, .block = kWait, .verdict = kWait});
  auto greeting = client.greet();
  if (greeting.code == 220) {
    client.quit();
    report.ok(what + "answers 220 " + escape(greeting.text));
  } else if (greeting.code == 554) {
    report.problem(what + escape(greeting.one_line()), "add this client's network to allow");
  } else if (greeting.code != 0) {
    report.problem(what + escape(greeting.one_line()), "look at the server's log");
  } else {
    report.problem(what + "no greeting within 5 s: " + escape(greeting.text),
                   "all workers are busy, or something else listens there: see the server's log");
  }
}

void check_rights(sys::Files& files, const conf::Config& config, const Endpoint& endpoint,
                  Report& report) {
  std::string what = "socket file " + endpoint.path + ": ";
  auto slash = endpoint.path.rfind('/');
  auto directory = files.open_root(slash == 0 ? "/" : endpoint.path.substr(0, slash));
  if (!directory) return;  // the greeting has said so
  auto info = files.info_at(directory.value(), endpoint.path.substr(slash + 1));
  if (!info) return;

  auto mode = info.value().mode & 0777;
  std::string wrong;
  if (mode != config.socket.mode) {
    wrong = "mode is " + octal(mode) + ", socket.mode is " + octal(config.socket.mode);
  }
  if (!config.socket.owner.empty()) {
    auto owner = sys::find_account(config.socket.owner, "");
    if (!owner) {
      report.problem(what + "socket.owner: " + owner.error().describe(), "name a user that exists");
      return;
    }
    if (owner.value().uid != info.value().owner) {
      wrong = "owner is " + std::to_string(info.value().owner) + ", socket.owner is " +
              config.socket.owner;
    }
  }
  if (!config.socket.group.empty()) {
    auto group = sys::find_group(config.socket.group);
    if (!group) {
      report.problem(what + "socket.group: " + group.error().describe(),
                     "name a group that exists");
      return;
    }
    if (group.value() != info.value().group) {
      wrong = "group is " + std::to_string(info.value().group) + ", socket.group is " +
              config.socket.group;
    }
  }
  if (wrong.empty()) {
    report.ok(what + "mode " + octal(mode) + ", owner and group as configured");
  } else {
    report.problem(what + wrong, "restart handoffd, which makes the socket as configured");
  }
}

}  // namespace

void check_socket(sys::Files& files, const conf::Config& config, const Endpoint& endpoint,
                  Report& report) {
  check_greeting(endpoint, report);
  if (endpoint.is_unix) check_rights(files, config, endpoint, report);
}

}  // namespace handoff::ctl
