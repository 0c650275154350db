// Runs a function in a child process, to test irreversible changes of a process (its user, its
// signals, a filter of system calls).
#pragma once

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

// Returns the result of `body`, or "killed by signal N" if the child died.
template <class Body>
std::string in_child(Body body) {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
  pid_t child = ::fork();
  if (child == 0) {
    std::string said;
    try {
      said = body();
    } catch (const std::exception& failure) {
      said = std::string("exception: ") + failure.what();
    }
    [[maybe_unused]] auto n = ::write(ends[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 4096> buffer;
  for (ssize_t n; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) said += "killed by signal " + std::to_string(WTERMSIG(status));
  return said;
}

// The same, but on Linux in a new pid namespace, from which other processes cannot be seen.
template <class Body>
std::string in_other_container(Body body) {
#ifdef __linux__
  return in_child([&] {
    bool can = ::unshare(CLONE_NEWPID) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
    if (!can) throw std::runtime_error("no pid namespace");
    return in_child(body);  // the first in it
  });
#else
  return in_child(body);
#endif
}
