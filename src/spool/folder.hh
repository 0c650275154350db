// Creates a Maildir++ folder, a directory .NAME in the mailbox, and makes it known to mail readers.
#pragma once

#include <string>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Creates the directory of `folder` (a name without its dot) in `mailbox` and syncs `mailbox`. If
// the folder is new, subscribes the mailbox's owner to it. May block.
Status make_folder(sys::Files& files, const sys::Fd& mailbox, const std::string& folder);

// Creates the file maildirfolder, which tells readers that `place` is a folder and not a mailbox.
Status mark_folder(sys::Files& files, const sys::Fd& place);

}  // namespace handoff::spool
