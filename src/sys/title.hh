// What ps(1) shows of a process: "handoffd: worker, idle".
//
// On Linux the title replaces the arguments of the program in memory, so that setting it costs a
// few stores and no system call; on the BSDs it is given to setproctitle(3).
#pragma once

#include <string_view>

namespace handoff::sys {

// Moves the environment to another place, so that titles can use its space too. Call at the
// beginning of main(), before anything keeps a pointer to an environment variable. The arguments
// may be overwritten from now on.
void make_room_for_title(int argc, char** argv);

// Sets the title to "handoffd: WHAT", truncated to the available space. Control characters become
// '?'. Without make_room_for_title() it does nothing on Linux.
void set_title(std::string_view what);

}  // namespace handoff::sys
