// What people get wrong before the first start, beyond what a trial finds (worker/trial). For
// --check, which makes one, and for the doctor.
#pragma once

#include "conf/config.hh"
#include "ctl/report.hh"
#include "sys/files.hh"

namespace handoff::ctl {

// Unix sockets in folders that the queue manager cannot enter are problems; a host name without a
// domain, and sockets that only root and their owner can connect to, are notes, and so is a folder
// that cannot be looked at. To be called as whoever starts handoffd, root or not: the user that
// delivers need not be able to look there. Blocks for the disk, and on NSS.
void check_reach(sys::Files& files, const conf::Config& config, Report& report);

// A spool that worked when it was tried, and that anybody can write to or that is on two
// filesystems: problems. Requires the rights to read it.
void check_tried_spool(sys::Files& files, const conf::Config& config, Report& report);

// The spool after a trial that failed: where that is what it failed of, a problem with its cure.
// Becomes the user that delivers, for good.
void check_untried_spool(sys::Files& files, const conf::Config& config, Report& report);

// A note where lookups may name owners of mailboxes and a server that is not `root` could not
// deliver as them.
void check_owners(const conf::Config& config, bool root, Report& report);

}  // namespace handoff::ctl
