// Starts status processes, and the fork server of the workers, as separate programs: the processes
// that are exposed to clients have addresses that tell nothing about the master, and only that part
// of its data that they need.
//
//   master --- forks ---> child --- executes this program again ---> fork server
//                           |                                          ^
//                           +---- a file without a name: settings, ----+
//                                 certificate and key, the numbers of descriptors
//
// On a system that cannot do this (sys::open_program()) they are forks of the master.
#pragma once

#include <string_view>

#include "conf/load.hh"
#include "status/process.hh"
#include "sys/fd.hh"
#include "sys/log.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::master {

// The name of an environment variable of the executed program. Its value is the number of the
// file's descriptor.
inline constexpr char kBirthVariable[] = "HANDOFFD_BIRTH";

// How a process handles the standard output and error of the program that started the master.
struct Terminal {
  bool echo_errors = false;  // until a worker is ready (sys::Log)
  bool detach = false;       // after that, /dev/null replaces them
};

// What all workers inherit (worker::Inheritance).
struct Origin {
  const board::Board& board;
  const sys::Fd& life;
  const sys::Fd& wakeup;
};

// These two functions are called in a fork of the master and turn it into the fork server or a
// status process. `program`: this program, opened. They return only on failure.
Error execute_fork_server(const sys::Fd& program, const conf::Settings& settings,
                          const worker::Assets& assets, const Origin& origin,
                          const sys::Fd& channel, const Terminal& terminal);
Error execute_status(const sys::Fd& program, const conf::Settings& settings,
                     const status::Options& options, const sys::Fd& listener,
                     const sys::Fd& channel, const Terminal& terminal);

// Called in the executed program: runs serve_forks() or run_status(). `variable` is the value of
// kBirthVariable. Returns the exit code. Throws ConfigError if the data is malformed.
int run_executed(std::string_view variable, sys::Log (*open_log)(const conf::Config&));

}  // namespace handoff::master
