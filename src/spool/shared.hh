// Names on filesystems that several hosts can use (sys::is_shared). There a name in a mailbox, in
// outgoing/ or in done/ is given, and taken back, only by a rename from or to the staging directory
// of this host. If another host has taken the spool over, it has removed that directory, and these
// calls fail (lease.hh). So a host that has lost the spool neither publishes anything, nor removes
// what the other host relies on.
//
// `shared`: whether the directory is on such a filesystem; if not, a link and an unlink are enough.
#pragma once

#include <string>

#include "sys/files.hh"

namespace handoff::spool {

// Makes a name durable. On any shared filesystem by a sync of its file, which is what works on
// GlusterFS, and by one of its directory, which POSIX requires. May block.
Status sync_name(sys::Files& files, const sys::Fd& directory, const std::string& name, bool shared);

// Gives the file staging/from the further name to/name. EEXIST if that is taken.
Status add_name(sys::Files& files, const sys::Fd& staging, const std::string& from,
                const sys::Fd& to, const std::string& name, bool shared);
// Renames at/from to to/name on a shared filesystem. EEXIST if that is taken.
Status move_name(sys::Files& files, const sys::Fd& at, const std::string& from, const sys::Fd& to,
                 const std::string& name);
// Removes a name that this process has given.
Status take_back(sys::Files& files, const sys::Fd& directory, const std::string& name,
                 const sys::Fd& staging, bool shared);

}  // namespace handoff::spool
