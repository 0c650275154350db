// The process that passes the messages of scripts to sieve.sendmail. Each master has one. It runs
// as the service user, is confined, and has no peer. Deliveries never wait for it.
#pragma once

#include <string>
#include <unordered_set>

#include "base/result.hh"
#include "board/slot_writer.hh"
#include "conf/config.hh"
#include "spool/outgoing.hh"
#include "spool/outgoing_queue.hh"
#include "spool/spool.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "worker/retries.hh"

namespace handoff::worker {

bool needs_sender(const conf::Config& config);

class OutgoingSender {
 public:
  // All arguments must outlive the object. Requires sys::start_launcher() with sieve.sendmail.
  OutgoingSender(const conf::Config& config, const sys::Log& log, sys::Files& files,
                 spool::Spool& spool, board::SlotWriter& counts)
      : config_(config), log_(log), files_(files), spool_(spool), counts_(counts) {}

  // Sends the messages that are due. Only one of the processes on this spool does so at a time; in
  // the others this does nothing. May block for as long as the program runs, for each message; ends
  // between two messages if a stop was requested.
  Status send_due();

 private:
  void send(spool::OutgoingQueue& queue, const std::string& name);
  // `envelope`: without recipients if it could not be read. `taken`: the message is not in the
  // queue any more.
  void failed(spool::OutgoingQueue& queue, const std::string& name, const spool::Envelope& envelope,
              const Error& error, bool taken = false);
  Result<sys::Fd> input_of(spool::OutgoingQueue& queue, const std::string& name,
                           const spool::Outgoing& message);
  Status run(const spool::Outgoing& message, const sys::Fd& input);

  const conf::Config& config_;
  const sys::Log& log_;
  sys::Files& files_;
  spool::Spool& spool_;
  board::SlotWriter& counts_;
  Retries retries_;
  std::unordered_set<std::string> sent_;  // that could not be removed
};

// Sends until the master has ended (`life`, see Inheritance) or a stop is requested, and counts in
// `counts`. Returns the exit code.
int run_sender(const conf::Config& config, const sys::Log& log, const sys::Fd& life,
               board::SlotWriter& counts);

}  // namespace handoff::worker
