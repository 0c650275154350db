#include <cerrno>
#include <cstdio>

#include "base/text.hh"
#include "ctl/checks.hh"
#include "ctl/control_client.hh"
#include "proxy/lmtp_client.hh"
#include "sys/socket_holder.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"

namespace handoff::ctl {
namespace {

constexpr std::chrono::seconds kTimeout{5};

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode));
  return text;
}

std::string_view fix_for(int error) {
  switch (error) {
    case ENOENT:
      return "start handoffd; if it is running, it listens elsewhere: compare listen";
    case ECONNREFUSED:
      return "no process listens there: start handoffd";
    case EACCES:
    case EPERM:
      return "run doctor as root, or allow this user by socket.group and socket.mode";
    case ETIMEDOUT:
      return "all workers are busy: read the log, raise workers.max or socket.backlog";
    default:
      return "read the server's log";
  }
}

// A program that listens for servers and starts them: systemd, inetd, xinetd, inetutils-inetd.
bool starts_servers(std::string_view name) { return name == "systemd" || name.ends_with("inetd"); }

void check_greeting(const Endpoint& endpoint, Report& report) {
  std::string what = "socket " + endpoint.text() + ": ";
  auto socket = sys::connect_to(endpoint, sys::Steady::now() + kTimeout);
  if (!socket) {
    report.problem("socket: " + socket.error().describe(), fix_for(socket.error().code));
    return;
  }
  if (endpoint.tls) {
    report.ok(what + "accepts connections; its greeting, which needs TLS, was not read");
    return;
  }
  sys::Stream stream(std::move(socket).value());
  proxy::LmtpClient client(stream, "localhost", {kTimeout, kTimeout, kTimeout});
  auto greeting = client.read_greeting();
  auto text = escape(greeting.code == 0 ? greeting.text : greeting.one_line());
  if (greeting.code == 220) {
    client.quit();
    report.ok(what + "answers " + text);
  } else if (greeting.code == 554) {
    report.problem(what + text, "add this client's network to allow");
  } else if (greeting.code != 0) {
    report.problem(what + text, "read the server's log");
  } else {
    report.problem(what + "no greeting within 5 s: " + text,
                   "all workers are busy, or another program listens there: read the log");
  }
}

void check_rights(sys::Files& files, const conf::Config& config, const Endpoint& endpoint,
                  Report& report) {
  std::string what = "socket file " + endpoint.path + ": ";
  auto slash = endpoint.path.rfind('/');
  auto directory = files.open_root(slash == 0 ? "/" : endpoint.path.substr(0, slash));
  if (!directory) return;  // check_greeting() has reported it
  auto info = files.info_at(directory.value(), endpoint.path.substr(slash + 1));
  if (!info) return;

  auto mode = info.value().mode & 0777;
  std::string wrong;
  if (mode != config.socket.mode) {
    wrong = "mode is " + octal(mode) + ", socket.mode is " + octal(config.socket.mode);
  }
  if (!config.socket.owner.empty()) {
    auto owner = sys::find_account(config.socket.owner, "");
    if (!owner) return;  // check_reach() reports it
    if (owner.value().uid != info.value().owner) {
      wrong = "owner is " + std::to_string(info.value().owner) + ", socket.owner is " +
              config.socket.owner;
    }
  }
  if (!config.socket.group.empty()) {
    auto group = sys::find_group(config.socket.group);
    if (!group) return;
    if (group.value() != info.value().group) {
      wrong = "group is " + std::to_string(info.value().group) + ", socket.group is " +
              config.socket.group;
    }
  }
  if (wrong.empty()) {
    report.ok(what + "mode " + octal(mode) + ", owner and group as configured");
  } else {
    report.problem(what + wrong, "restart handoffd, which creates the socket as configured");
  }
}

}  // namespace

void check_binding(sys::Files& files, const conf::Config& config, Report& report) {
  // The addresses that the running server, if there is one, listens on.
  auto answer = ask_master(config.control_socket, "GET", "/status.json", kTimeout);
  auto in_use_by_server = [&](const Endpoint& endpoint) {
    return answer && answer.value().body.find("\"" + escape_json(endpoint.text()) + "\"") !=
                         std::string::npos;
  };
  auto try_to_bind = [&](const Endpoint& endpoint) {
    if (in_use_by_server(endpoint)) return;
    auto slash = endpoint.path.rfind('/');
    if (endpoint.is_unix && slash != 0 && !files.open_root(endpoint.path.substr(0, slash))) {
      return;  // the server creates the folder, and check_reach() looks at those above it
    }
    auto bound = sys::listen_on(endpoint, 1, {0600, {}, {}});
    bool taken = !bound && bound.error().code == EADDRINUSE;
    auto holder = taken ? sys::holder_of(endpoint) : std::nullopt;
    if (holder && starts_servers(holder->name)) {
      return report.note(endpoint.text() + ": " + holder->name + " listens there",
                         "nothing to do, if it starts handoffd for this socket");
    }
    if (taken && !answer && answer.error().code == EACCES) {
      report.note(bound.error().describe() + ", perhaps by the handoffd that is running",
                  "run this as root, which may query it");
    } else if (!bound && bound.error().code == EACCES && !config.user.empty() && !sys::is_root()) {
      report.note(bound.error().describe(), "repeat this check as root, which starts handoffd");
    } else if (!bound) {
      report.problem(bound.error().describe(),
                     taken ? "stop " +
                                 (holder ? holder->name + ", process " + std::to_string(holder->pid)
                                         : std::string("the program that listens there")) +
                                 ", or change listen"
                           : "change the address, or allow this user to bind it");
    } else if (endpoint.is_unix) {
      sys::SocketFile(endpoint.path).remove();
    }
  };
  for (const auto& endpoint : config.listen) try_to_bind(endpoint);
  if (config.http.listen && !answer) try_to_bind(*config.http.listen);
}

void check_socket(sys::Files& files, const conf::Config& config, const Endpoint& endpoint,
                  Report& report) {
  check_greeting(endpoint, report);
  if (endpoint.is_unix) check_rights(files, config, endpoint, report);
}

}  // namespace handoff::ctl
