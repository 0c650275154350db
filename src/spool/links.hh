// Hard links of the staged file in mailboxes: the state "linked" of README. And, on filesystems
// where one sync of the file makes all of its names durable (sys/file_sync.hh), the way from there
// to "handed over" for all recipients at once: one flush of the disk however many they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/name.hh"
#include "spool/staging.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Whether a link that failed with `code` says that hard links do not go there: another filesystem,
// one without them, too many of them, or Linux' fs.protected_hardlinks. A copy does.
bool wants_copy(int code);

// Links at/from to new_directory under `name`, or under a fresh one where that is taken. Returns
// the name.
Result<std::string> link_unique(sys::Files& files, const sys::Fd& at, const std::string& from,
                                const sys::Fd& new_directory, std::string name, std::uint64_t size,
                                NameMaker& names);

class Links {
 public:
  // `root` is the spool and outlives the object.
  Links(sys::Files& files, const sys::Fd& root) : files_(&files), root_(&root) {}

  // Links the completed `staging` into `mailbox`. Returns the name in new/, which is not durable
  // yet; nothing where hard links do not go there, or directories have to be made or synced first:
  // that may be on a slow disk, and those that come together do not wait for it. May block.
  Result<std::optional<std::string>> add(const Staging& staging, const Mailbox& mailbox,
                                         NameMaker& names);
  // Makes the names that were added durable; after a failure none of them is there any more. May
  // block.
  Status sync(Staging& staging);

 private:
  struct Link {
    Mailbox mailbox;
    std::string name;  // in its new/
  };

  void remove_all();

  sys::Files* files_;
  const sys::Fd* root_;
  std::vector<Link> links_;
};

}  // namespace handoff::spool
