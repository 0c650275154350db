// Removes what a crash left: files in staging and in the tmp/ of mailboxes whose owner is dead, or
// that are older than any delivery can be.
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

// maildir(5) of qmail: what has not been delivered in 36 hours never will be. Longer than the
// longest session.transaction-timeout.
inline constexpr std::chrono::hours kAbandoned{36};

struct Swept {
  unsigned removed = 0;
  unsigned kept = 0;    // somebody may be at work on it
  unsigned unread = 0;  // folders that could not be looked through
};

// Whose files are whose.
struct Owners {
  std::string host;  // as in the names that this host's NameMaker makes
  std::function<bool(const Owner&)> is_alive;
};

// Called for each abandoned file before it is removed, with its path from where the sweep began;
// keeps it by an error.
using BeforeRemoval = std::function<Status(const std::string& path, std::uint64_t size)>;

// The files in SPOOL/.handoff/staging and in the folders of a crowd (crowd_folder.hh), which stay.
// None but processes of this spool are at work there, on whatever host.
// May block.
Result<Swept> sweep_staging(sys::Files& files, const sys::Fd& staging, const Owners& owners,
                            const BeforeRemoval& before);

// The tmp/ of every Maildir below `root`, folders (.Name) among them. In there other programs are
// at work too: of a file that bears no name of ours and of this host, age alone tells. Reads every
// directory but new/ and cur/. One that cannot be looked through is no failure. May block, and
// takes long in a large spool.
Result<Swept> sweep_mailboxes(sys::Files& files, const sys::Fd& root, const Owners& owners,
                              const BeforeRemoval& before);

}  // namespace handoff::spool
