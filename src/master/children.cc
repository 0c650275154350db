#include "master/children.hh"

#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "sys/signals.hh"

namespace handoff::master {

Result<pid_t> Children::start(const std::function<int()>& main,
                              std::function<void(int status)> ended) {
  // No signal may reach the child while the master's handlers are in it: they would write into
  // the master's loop.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = ::fork();
  if (pid == 0) {
    int code = EX_SOFTWARE;
    try {
      in_child_();
      sys::default_signals();
      code = main();
    } catch (const std::exception&) {
      // There is nobody to tell but the master, by the exit code.
    }
    ::_exit(code);  // what the master has to do at its end is not the child's to do
  }
  int error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Error{error, "fork", {}};
  ended_[pid] = std::move(ended);
  return pid;
}

void Children::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    auto child = ended_.extract(pid);
    if (!child.empty()) child.mapped()(status);
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

}  // namespace handoff::master
