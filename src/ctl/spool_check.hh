// The doctor's look at the spool, by the user that delivers.
#pragma once

#include <optional>

#include "conf/config.hh"
#include "ctl/report.hh"
#include "sys/account.hh"
#include "sys/files.hh"

namespace handoff::ctl {

// Existence, owner, mode, free space, one filesystem, and a probe that takes a message's way:
// write, sync, link, sync the directory, with the time of each. Requires the rights of `user`
// (nothing: of whoever calls). Writes to SPOOL/.handoff/staging, and removes what it wrote.
void check_spool(sys::Files& files, const conf::Config& config,
                 const std::optional<sys::Account>& user, Report& report);

}  // namespace handoff::ctl
