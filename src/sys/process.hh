// Processes: facts about this one and its host, children, signals to others.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/mailbox.hh"
#include "base/result.hh"

namespace handoff::sys {

pid_t own_pid();
// Sets the name of this process in ps(1) and top(1). Needed on Linux for a process that was
// executed through a descriptor.
void set_process_name(const char* name);
// Returns whether the mailbox belongs to a user other than that of this process, so that only that
// user may look into it.
bool is_anothers(const Mailbox& mailbox);
// gethostname(), or "localhost".
std::string host_name();
// Returns whether a process has this id. It may be a later process, or one that ended and was not
// waited for.
bool process_exists(pid_t pid);
// Returns how many descriptors this process may have open (RLIMIT_NOFILE).
std::uint64_t descriptor_limit();
// Returns a number from the system's random number generator.
std::uint32_t random_number();

// Ends this process by SIGALRM, which it must not catch, unless this function is called again
// within that time. 0 ends the watch.
void end_unless_called(std::chrono::seconds time);

// Forks. The child runs `main`, with every signal blocked until `main` unblocks them. It exits with
// the result of `main` (EX_SOFTWARE if that throws), without destructors of globals and without
// flushing buffers.
Result<pid_t> fork_process(const std::function<int()>& main);
// Linux only (ENOSYS): from now on, or no longer, the processes below this one become its children
// when their own parent ends.
Status adopt_orphans(bool adopt);
// Forks a process that is a child of the next ancestor with adopt_orphans(true), and runs `main` in
// it as fork_process() does. Returns its id once it is that ancestor's child. ENOSYS if the system
// is not Linux.
Result<pid_t> fork_for_ancestor(const std::function<int()>& main);
// A child that has ended; `status` as from waitpid.
struct Ended {
  pid_t pid;
  int status;
};
// Returns the next ended child that was not waited for; nothing if there is none. Never blocks.
std::optional<Ended> next_ended();
// Waits for the end of that child and returns its status as waitpid does.
int wait_for_end(pid_t pid);
// Waits until `deadline` for the end of that child; false if it has not ended.
bool ends_by(pid_t pid, std::chrono::steady_clock::time_point deadline);
// "exit 75", "signal 9".
std::string how_it_ended(int status);
// Sends a signal to a child that next_ended() has not returned yet, so its id cannot have been
// reused. Has no effect if the child has ended.
void send_signal(pid_t pid, int signal);

}  // namespace handoff::sys
