// Carries out a request, in a process that has become the owner of the mailbox.
#pragma once

#include <optional>

#include "conf/config.hh"
#include "delivery/request.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// `spool`: the root directory of the spool. `shared`: whether other hosts may use its filesystem,
// if that is known. `file`: the message, open for reading, if the request has one. May block as
// long as the mailbox's disk does.
Outcome as_owner(const conf::Config& config, const sys::Log& log, sys::Files& files,
                 const sys::Fd& spool, std::optional<bool> shared, const Request& request,
                 const sys::Fd& file);

}  // namespace handoff::delivery
