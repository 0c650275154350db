// The mode and group of new files and directories in a mailbox that a group can read. They are
// taken from the mailbox's own directory, as in Dovecot, so that everybody who can read the old
// mail can read the new mail too.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// The modes of what handoff creates if no group has rights: only the owner has access.
inline constexpr mode_t kDirectoryMode = 0700;
inline constexpr mode_t kFileMode = 0600;

struct Access {
  mode_t file = kFileMode;
  mode_t directory = kDirectoryMode;
  std::optional<gid_t> group = {};  // nothing: no group has rights
};

// Returns whether the group has rights that others do not have.
bool is_shared(const sys::FileInfo& directory);
// Returns the access for entries of `directory`, which is a mailbox or a folder. Users outside the
// group never get rights.
Access access_in(const sys::FileInfo& directory);
// The same for the open directory of a mailbox or folder.
Result<Access> access_in(sys::Files& files, const sys::Fd& directory);

// Create an entry of `at`. If this user may not give it to the group, the group gets no rights.
Result<sys::Fd> create_file(sys::Files& files, const sys::Fd& at, const std::string& name,
                            const Access& access);
Status make_directory(sys::Files& files, const sys::Fd& at, const std::string& name,
                      const Access& access);

}  // namespace handoff::spool
