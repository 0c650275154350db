// The directories of a mailbox: opened without leaving the spool, made where they are missing, and
// durable before anything in them is promised.
#pragma once

#include <optional>
#include <string>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Opens the directory `name` of the mailbox, or of the folder in it: "tmp"; "": itself. `root` is
// the spool. May block.
Result<sys::Fd> open_in(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox,
                        const std::string& name);

// Makes what is missing of the mailbox and of the folder, as far as it may be made, and syncs all
// of it: whoever made it may not have. May block.
Status make_maildir(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox);

// Opens MAILBOX/new where all of the mailbox is durable; nothing where it has to be made or settled
// first, which open_new() does, on whatever disk that is. `root` is the spool. May block.
Result<std::optional<sys::Fd>> open_settled_new(sys::Files& files, const sys::Fd& root,
                                                const Mailbox& mailbox);

// Opens MAILBOX/new. Makes tmp, new and cur where they are missing, and the mailbox itself where
// `mailbox.create`, and the folder where `mailbox.create_folder`; ENOENT where it is not there and
// must not be made. What was made is synced, up to the spool. `root` is the spool. May block.
Result<sys::Fd> open_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox);

}  // namespace handoff::spool
