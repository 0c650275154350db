#include "sys/sandbox.hh"

#include <time.h>
#include <unistd.h>

#ifdef HAVE_CAP_ENTER
#include <sys/capsicum.h>
#endif

#include <cerrno>
#include <fstream>
#include <utility>

#include "base/text.hh"
#include "sys/linux_sandbox.hh"

namespace handoff::sys {
namespace {

// Returns the interpreter of a script; empty if the program is not a script or cannot be read.
std::string interpreter(const std::string& program) {
  std::ifstream file(program);
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("#!")) return {};
  auto command = trim(std::string_view(line).substr(2));
  return std::string(command.substr(0, command.find_first_of(" \t")));
}

std::string text_of(const std::vector<Unveiled>& paths) {
  std::string text;
  for (const auto& [path, rights] : paths) {
    text += (text.empty() ? "" : " ") + rights + ":" + path;
  }
  return text;
}

#ifdef HAVE_PLEDGE
Status unveil_all(const std::vector<Unveiled>& paths) {
  for (const auto& [path, rights] : paths) {
    // A missing path needs no right; a missing program is reported when it is run.
    if (::unveil(path.c_str(), rights.c_str()) != 0 && errno != ENOENT) {
      return Error{errno, "unveil", path};
    }
  }
  if (!paths.empty() && ::unveil(nullptr, nullptr) != 0) return Error{errno, "unveil", {}};
  return {};
}
#endif

#ifdef HAVE_CAP_ENTER
// ENOSYS means that the kernel has no Capsicum.
bool is_refused(int result) { return result != 0 && errno != ENOSYS; }

// A connection inherits the rights of its listener, so these are the rights of connections. None of
// them allows the process to bind, connect, listen or open a file.
Status limit_listeners(std::span<const Fd* const> listeners) {
  cap_rights_t rights;
  cap_rights_init(&rights, CAP_ACCEPT, CAP_EVENT, CAP_FCNTL, CAP_FSTAT, CAP_GETPEERNAME,
                  CAP_GETSOCKNAME, CAP_GETSOCKOPT, CAP_IOCTL, CAP_READ, CAP_SETSOCKOPT,
                  CAP_SHUTDOWN, CAP_WRITE);
  for (const auto* listener : listeners) {
    if (is_refused(::cap_rights_limit(listener->get(), &rights))) {
      return Error{errno, "cap_rights_limit", "listener"};
    }
  }
  return {};
}
#endif

// Returns the names of the mechanisms used.
Result<std::string> enter([[maybe_unused]] const Needs& needs,
                          [[maybe_unused]] const std::vector<Unveiled>& paths,
                          [[maybe_unused]] std::span<const Fd* const> listeners) {
#if defined(__linux__) && !defined(HAVE_PLEDGE) && !defined(HAVE_CAP_ENTER)
  return confine_on_linux(needs);
#elif defined(HAVE_PLEDGE)
  if (auto done = unveil_all(paths); !done) return done.error();
  if (::pledge(promises(needs).c_str(), nullptr) != 0) return Error{errno, "pledge", {}};
  return std::string(paths.empty() ? "pledge" : "pledge and unveil");
#elif defined(HAVE_CAP_ENTER)
  if (!path_bound(needs).empty()) return std::string("none");
  if (auto done = limit_listeners(listeners); !done) return done.error();
  cap_rights_t for_log;
  cap_rights_init(&for_log, CAP_FSTAT, CAP_WRITE);
  if (is_refused(::cap_rights_limit(STDERR_FILENO, &for_log))) {
    return Error{errno, "cap_rights_limit", "standard error"};
  }
  if (::cap_enter() == 0) return std::string("capability mode");
  if (errno != ENOSYS) return Error{errno, "cap_enter", {}};
  return std::string("none");
#else
  return std::string("none");
#endif
}

}  // namespace

std::string promises(const Needs& needs) {
  bool forks = needs.processes || needs.other_users || !needs.programs.empty();
  // flock: for the slots of the ledger, and for the process that counts a mailbox.
  std::string all = "stdio rpath wpath cpath flock";
  for (auto [wanted, promise] :
       {std::pair(needs.unix_sockets, " unix"), std::pair(needs.inet_sockets, " inet"),
        std::pair(needs.names, " dns"), std::pair(needs.accounts, " getpw"),
        std::pair(needs.sends_files, " sendfd"), std::pair(needs.receives_files, " recvfd"),
        std::pair(forks, " proc"), std::pair(needs.executes(), " exec"),
        std::pair(needs.other_users, " id"), std::pair(needs.gives_away, " fattr chown")}) {
    if (wanted) all += promise;
  }
  return all;
}

std::vector<Unveiled> unveiled(const Needs& needs) {
  if (needs.any_path) return {};
  std::vector<Unveiled> paths;
  for (const auto& folder : needs.folders) paths.push_back({folder, "rwc"});
  for (const auto& program : needs.executes() ? needs.programs : std::vector<std::string>()) {
    // pledge and unveil end at exec: programs are not confined.
    paths.push_back({program, "x"});
    if (auto other = interpreter(program); !other.empty()) paths.push_back({other, "x"});
  }
  // The standard input of forked processes (confinement.hh).
  if (needs.processes || !needs.programs.empty()) paths.push_back({"/dev/null", "rw"});
  return paths;
}

std::string path_bound(const Needs& needs) {
  if (needs.any_path) return "lookups and AUTH open files on demand";
  if (!needs.programs.empty()) return "programs are started by path";
  if (needs.processes) return "the process that counts mailboxes opens /dev/null";
  // After a restart of syslogd, syslog(3) could not connect again and the log would end silently.
  if (needs.syslog) return "syslogd could not be reached again; log.to = stderr stays open";
  return {};
}

Status confine(std::string_view process, const Needs& needs, std::span<const Fd* const> listeners,
               const Log& log) {
  ::tzset();  // reads /etc/localtime, for the dates in messages
  auto paths = unveiled(needs);
  auto by = enter(needs, paths, listeners);
  if (!by) return by.error();
  log.debug("confined", {{"process", process},
                         {"by", by.value()},
                         {"promises", promises(needs)},
                         {"unveiled", text_of(paths)},
                         {"path-bound", path_bound(needs)}});
  return {};
}

std::vector<std::string> missing_confinement() {
#if defined(__linux__) && !defined(HAVE_PLEDGE) && !defined(HAVE_CAP_ENTER)
  return missing_on_linux();
#else
  return {};
#endif
}

}  // namespace handoff::sys
