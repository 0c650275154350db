// What a session works with. Made once in each worker, after privileges were dropped.
#pragma once

#include <memory>
#include <optional>

#include "base/result.hh"
#include "board/board.hh"
#include "conf/config.hh"
#include "lmtp/session.hh"
#include "recipients/resolver.hh"
#include "spool/spool.hh"
#include "sys/files.hh"
#include "sys/log.hh"

namespace handoff::worker {

class Services {
 public:
  // Opens the spool and the lookup. `config`, `log` and `files` outlive the object. May block.
  static Result<std::unique_ptr<Services>> open(const conf::Config& config, const sys::Log& log,
                                                sys::Files& files);

  const conf::Config& config;
  const sys::Log& log;
  const lmtp::SessionOptions session_options;
  spool::Spool spool;

  // Sweeps the spool and logs what came of it; one that cannot be swept can still take mail.
  void sweep();

  recipients::Resolver& resolver() { return *resolver_; }

 private:
  Services(const conf::Config& config, const sys::Log& log, spool::Spool spool);

  std::unique_ptr<recipients::Lookup> lookup_;
  std::optional<recipients::Resolver> resolver_;
};

}  // namespace handoff::worker
