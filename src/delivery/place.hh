// The directory of another user's mailbox below the spool: the owner cannot make it there, as the
// spool is the workers' own, and they cannot give it away.
#pragma once

#include "base/mailbox.hh"
#include "base/result.hh"
#include "sys/account.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::delivery {

// Makes what is missing of the mailbox's path, as root, and syncs it: its own directory is its
// owner's (0700), those above are the worker's and can be passed through (0711), as they then can
// where a worker had made them before. Nothing is done where the mailbox may not be made, is there
// and durable, or lies elsewhere, in a home: there its owner makes it. What was there is nobody
// else's afterwards, an empty directory of root's too, which may be where a disk is to be mounted.
// EPERM where what lies above belongs to neither root nor the worker, or has a name with a dot
// before it, as what is inside mailboxes has. May block.
Status make_place(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox,
                  const sys::Account& worker);

}  // namespace handoff::delivery
