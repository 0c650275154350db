// The directories of a mailbox. They are opened without leaving the spool, created if they are
// missing, and made durable before anything in them is promised.
#pragma once

#include <optional>
#include <string>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/access.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Returns `error`, which concerns `mailbox`, with the whole path. The error of a call contains only
// the name that the call was given: an entry of the mailbox, a path relative to its base, or an
// absolute path.
Error with_whole_path(const Mailbox& mailbox, Error error);

// Opens the directory `name` of the mailbox, or of the folder in it: "tmp"; "" for the mailbox or
// folder itself. `root` is the spool. May block.
Result<sys::Fd> open_in(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox,
                        const std::string& name);

// Creates what is missing of the mailbox and of the folder, as far as permitted, and syncs all of
// it, because its creator may not have done so. May block.
Status make_maildir(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox);

struct NewDirectory {
  sys::Fd directory;
  bool shared = false;  // a group reads it: access_of() says what it may do
};

// Opens MAILBOX/new if all of the mailbox is durable. Returns nothing if it must be created or
// synced first, which open_new() does. `root` is the spool. May block.
Result<std::optional<NewDirectory>> open_settled_new(sys::Files& files, const sys::Fd& root,
                                                     const Mailbox& mailbox);

// Opens MAILBOX/new. Creates tmp, new and cur if they are missing, the mailbox itself if
// `mailbox.create` is set, and the folder if `mailbox.create_folder` is set; ENOENT if it is
// missing and must not be created. Syncs what was created, up to the spool. `root` is the spool.
// May block.
Result<NewDirectory> open_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox);

// Returns the mode and group for new entries of the mailbox, or of the folder in it. May block.
Result<Access> access_of(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox);

}  // namespace handoff::spool
