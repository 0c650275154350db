// Removes what a crash left in staging: files whose owner is dead, or that are older than any
// delivery can be.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// maildir(5) of qmail: what has not been delivered in 36 hours never will be. Longer than the
// longest session.transaction-timeout.
inline constexpr std::chrono::hours kAbandoned{36};

struct Swept {
  unsigned removed = 0;
  unsigned kept = 0;
};

// `host` as in the names that this host's NameMaker makes. `is_here`: whether a process of
// this host is at work on the spool. `before` is called for each file before it is removed, and
// keeps it by an error. May block.
Result<Swept> sweep_staging(
    sys::Files& files, const sys::Fd& staging, const std::string& host,
    const std::function<bool(pid_t)>& is_here,
    const std::function<Status(const std::string& name, std::uint64_t size)>& before);

}  // namespace handoff::spool
