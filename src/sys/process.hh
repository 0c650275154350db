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
// Whether the mailbox is another user's than the process, and only that one may look into it.
bool is_anothers(const Mailbox& mailbox);
// gethostname(), or "localhost".
std::string host_name();
// Whether there is a process with this id, be it another's than it was, or not yet waited for.
bool process_exists(pid_t pid);
// From the system's generator.
std::uint32_t random_number();

// Forks. The child runs `main`, with every signal blocked until it says otherwise, and exits with
// its result (EX_SOFTWARE where it throws) without the ends of what the parent has: destructors of
// globals, buffers.
Result<pid_t> fork_process(const std::function<int()>& main);
// A child that has ended, `status` as waitpid has it.
struct Ended {
  pid_t pid;
  int status;
};
// One of those that nobody has asked for; nothing where there is none. Never blocks.
std::optional<Ended> next_ended();
// Waits until `deadline` for the end of that child; false where it has not come.
bool ends_by(pid_t pid, std::chrono::steady_clock::time_point deadline);
// "exit 75", "signal 9".
std::string how_it_ended(int status);
// To a child that was not asked for with next_ended(): its id is not yet another's. One that has
// ended takes no notice.
void send_signal(pid_t pid, int signal);

}  // namespace handoff::sys
