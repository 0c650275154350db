#include "sys/signals.hh"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>

// A build without the Linux extras behaves like a system without such a signal.
#if defined(__linux__) && defined(HAVE_EPOLLEXCLUSIVE)
#include <sys/prctl.h>
#define HAVE_PARENT_DEATH_SIGNAL 1
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#define HAVE_PARENT_DEATH_SIGNAL 1
#endif

namespace handoff::sys {
namespace {

volatile std::sig_atomic_t stop_flag = 0;
volatile std::sig_atomic_t retire_flag = 0;
sigset_t mask_in_waits;

void on_stop(int) { stop_flag = 1; }
void on_retire(int) { retire_flag = 1; }

// The descriptors that on_parent_death() replaces, terminated by -1, and the replacement.
constexpr std::size_t kMaxReplaced = 64;
std::array<volatile int, kMaxReplaced + 1> replaced;
volatile std::sig_atomic_t replacement = -1;
int watched_life = -1;

void replace_descriptors(int) {
  int before = errno;
  for (std::size_t i = 0; replaced[i] >= 0; ++i) ::dup2(replacement, replaced[i]);
  errno = before;
  ::raise(SIGTERM);
}

void set(int signal, void (*action)(int)) {
  struct sigaction how {};
  how.sa_handler = action;
  ::sigemptyset(&how.sa_mask);
  ::sigaction(signal, &how, nullptr);
}

}  // namespace

void catch_stop_signal() {
  for (int signal : {SIGCHLD, SIGUSR1, SIGALRM}) set(signal, SIG_DFL);
  for (int signal : {SIGINT, SIGHUP, SIGPIPE, SIGXFSZ}) set(signal, SIG_IGN);
  set(SIGTERM, on_stop);
  set(kRetire, on_retire);
  // Exactly these two are blocked from now on, whatever mask was inherited.
  sigset_t blocked;
  ::sigemptyset(&mask_in_waits);
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigaddset(&blocked, kRetire);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

void stop_on_interrupt() { set(SIGINT, on_stop); }

void default_signals() {
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE}) {
    set(signal, SIG_DFL);
  }
  set(SIGXFSZ, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void let_stop_in() {
  sigset_t before;
  ::sigprocmask(SIG_SETMASK, &mask_in_waits, &before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

bool stop_requested() { return stop_flag != 0 || retire_flag != 0; }

void request_retirement() { retire_flag = 1; }

bool only_retiring() { return retire_flag != 0 && stop_flag == 0; }

void on_parent_death(std::span<const Fd* const> let_go_of, const Fd& life) {
  auto count = std::min(let_go_of.size(), kMaxReplaced);
  for (std::size_t i = 0; i < count; ++i) replaced[i] = let_go_of[i]->get();
  replaced[count] = -1;
  replacement = life.get();
#if !defined(HAVE_PARENT_DEATH_SIGNAL)
  watched_life = life.get();
#elif defined(__linux__)
  set(SIGUSR1, replace_descriptors);
  ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
#else
  set(SIGUSR1, replace_descriptors);
  int signal = SIGUSR1;
  ::procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &signal);
#endif
}

int life_to_watch() { return watched_life; }

void parent_has_died() {
  watched_life = -1;
  replace_descriptors(0);
}

const sigset_t* wait_mask() { return &mask_in_waits; }

}  // namespace handoff::sys
