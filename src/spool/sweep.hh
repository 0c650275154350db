// Removes what a crash left: files in staging and in tmp/ of mailboxes that belong to a dead
// process or are older than any delivery can be.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hh"
#include "spool/name.hh"
#include "sys/files.hh"

namespace handoff::spool {

// maildir(5) of qmail: a message that was not delivered within 36 hours never will be. Longer than
// the maximum of session.transaction-timeout.
inline constexpr std::chrono::hours kAbandoned{36};

struct Swept {
  unsigned removed = 0;
  unsigned kept = 0;    // a process may be using it
  unsigned unread = 0;  // directories that could not be read

  void operator+=(const Swept& other);
};

// The owners of files.
struct Owners {
  std::string host;  // as in the names that this host's NameMaker makes
  std::function<bool(const Owner&)> is_alive;
};

// Called for each abandoned file before it is removed, with its path relative to the directory of
// the sweep. The file is kept if this returns an error.
using BeforeRemoval = std::function<Status(const std::string& path, std::uint64_t size)>;

// Sweeps the files in SPOOL/.handoff/staging and in its folders (staging_folder.hh), but not the
// folders. Only processes of this spool work there, on any host. May block.
Result<Swept> sweep_staging(sys::Files& files, const sys::Fd& staging, const Owners& owners,
                            const BeforeRemoval& before);

// What begins the names of entries of SPOOL/.handoff that one process makes for a moment, if other
// hosts can use the filesystem: the staging directory of a process that only tests the spool, and
// the lease of a host that takes the spool (lease.cc). A number follows.
inline constexpr char kVisit[] = "visit.";
inline constexpr char kComingLease[] = "lease.";

// Removes such entries if they are older than kAbandoned, because their process was killed. `own`
// is SPOOL/.handoff. May block.
Result<Swept> sweep_visits(sys::Files& files, const sys::Fd& own, const BeforeRemoval& before);

// Sweeps tmp/ of every Maildir in `root`, including folders (.Name). Other programs use these
// directories too, so a file whose name is not one of ours from this host is judged by its age
// only. Reads every directory except new/ and cur/. Skips directories that it cannot read. May
// block, and is slow in a large spool.
Result<Swept> sweep_mailboxes(sys::Files& files, const sys::Fd& root, const Owners& owners,
                              const BeforeRemoval& before);

}  // namespace handoff::spool
