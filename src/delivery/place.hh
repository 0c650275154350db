// Creates the directory of another user's mailbox in the spool. The owner cannot create it, because
// the spool belongs to the workers' user, and the workers cannot give it away.
#pragma once

#include "base/mailbox.hh"
#include "base/result.hh"
#include "sys/account.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::delivery {

// Runs as root. Creates the missing directories of the mailbox's path and syncs them: the mailbox
// itself belongs to its owner (0700); those above it belong to the worker's user and can be passed
// through (0711), including any that a worker had created before. Does nothing if the mailbox must
// not be created, exists and is durable, or is not in the spool but in a home directory, where its
// owner creates it. Never changes the owner of a directory that existed, not even of an empty one
// that root owns, which may be a mount point. EPERM if a directory above belongs to neither root
// nor the worker's user, or has a name that begins with a dot, as directories in mailboxes have.
// May block.
Status make_place(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox,
                  const sys::Account& worker);

}  // namespace handoff::delivery
