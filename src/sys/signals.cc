#include "sys/signals.hh"

#include <initializer_list>

#if defined(__linux__)
#include <sys/prctl.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

namespace handoff::sys {
namespace {

volatile std::sig_atomic_t stop_flag = 0;
sigset_t mask_in_waits;

void on_stop(int) { stop_flag = 1; }

void set(int signal, void (*action)(int)) {
  struct sigaction how {};
  how.sa_handler = action;
  ::sigemptyset(&how.sa_mask);
  ::sigaction(signal, &how, nullptr);
}

}  // namespace

void catch_stop_signal() {
  for (int signal : {SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM}) set(signal, SIG_DFL);
  for (int signal : {SIGINT, SIGHUP, SIGPIPE}) set(signal, SIG_IGN);
  set(SIGTERM, on_stop);
  // From here on SIGTERM is blocked, and nothing else is, whatever was inherited.
  sigset_t blocked;
  ::sigemptyset(&mask_in_waits);
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

void stop_with_parent() {
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
#elif defined(__FreeBSD__)
  int signal = SIGTERM;
  ::procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &signal);
#endif
}

bool stop_requested() { return stop_flag != 0; }

const sigset_t* wait_mask() { return &mask_in_waits; }

}  // namespace handoff::sys
