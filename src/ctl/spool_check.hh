// The doctor's look at the spool, by the user that delivers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conf/config.hh"
#include "ctl/report.hh"
#include "sys/account.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::ctl {

// Existence, owner, mode, free space, one filesystem, a probe that takes a message's way: write,
// sync, rename, link, sync the directory, with the time of each, and what disk_check.hh looks at.
// Requires the rights of `user` (nothing: of whoever calls). Writes to SPOOL/.handoff/staging, and
// removes what it wrote.
void check_spool(sys::Files& files, const conf::Config& config,
                 const std::optional<sys::Account>& user, Report& report);

// Whether all that lies below the spool's folder `root` is on that device, mailboxes too, of which
// as many are looked at as can be in a moment: a message is staged once and linked into mailboxes,
// which works within one filesystem.
void check_filesystem(sys::Files& files, const std::string& path, const sys::Fd& root,
                      std::uint64_t device, Report& report);

}  // namespace handoff::ctl
