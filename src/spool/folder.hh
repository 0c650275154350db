// A Maildir++ folder that is not there yet: a directory .NAME in the mailbox, known to readers.
#pragma once

#include <string>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Makes the directory of `folder` (a name without its dot) in `mailbox`, and syncs it into it.
// Where it was made now, the mailbox's owner is subscribed to it. May block.
Status make_folder(sys::Files& files, const sys::Fd& mailbox, const std::string& folder);

// What tells readers that `place` is a folder and not a mailbox of its own: the file maildirfolder.
Status mark_folder(sys::Files& files, const sys::Fd& place);

}  // namespace handoff::spool
