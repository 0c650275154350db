// The doctor's doubt: does what is synced reach the disk?
#pragma once

#include <chrono>
#include <string>

#include "ctl/report.hh"
#include "sys/device.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::ctl {

// Why a disk that syncs 4 KiB in so long cannot be believed; empty where it can. The power of a
// machine cannot be cut to find out: this is about what no device can do.
std::string disbelief(const sys::Device& device, std::chrono::nanoseconds sync);

// Syncs a file in `staging` some times, and says what is to be thought of the median. A warning is
// all that comes of it: a controller with a battery is faster than its disks, rightly.
void check_sync(sys::Files& files, const std::string& path, const sys::Fd& staging, Report& report);

// Whether tmp/ and new/ of the mailboxes lie on one filesystem each, where links go: of as many as
// can be looked at in a moment.
void check_mailboxes(sys::Files& files, const std::string& path, const sys::Fd& root,
                     Report& report);

}  // namespace handoff::ctl
