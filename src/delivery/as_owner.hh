// What a delivery process does once it is the owner of the mailbox.
#pragma once

#include "conf/config.hh"
#include "delivery/request.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// Does what is asked. `spool` is its root, `staged` the message's file, open to read, where the
// request has one. May block for as long as the mailbox's disk does.
Outcome as_owner(const conf::Config& config, const sys::Log& log, sys::Files& files,
                 const sys::Fd& spool, const Request& request, const sys::Fd& staged);

}  // namespace handoff::delivery
