// SPOOL/.handoff/done: X,P=hash shows that everything that one recipient's script decided about the
// message X was done: copies, messages to send, marks. It is one more name of the staged file, and
// the last name that the message is given for this recipient. It serves two purposes:
//
//   - a retry finds it, although the script may have changed or stores no copy;
//   - after a crash it shows that the recipient's messages to send are committed.
//
// A record is removed when the client is known to have read its replies, or after
// duplicates.window.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "spool/durable.hh"
#include "spool/earlier_copy.hh"
#include "spool/staged.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Returns the record of the message `name` for the recipient with this key.
std::string record_name(const std::string& name, const std::string& key);

class Records {
 public:
  // `files` must outlive the object. `directory` is SPOOL/.handoff/done; `shared`: as in shared.hh.
  Records(sys::Files& files, sys::Fd directory, bool shared)
      : files_(&files), directory_(std::move(directory)), shared_(shared) {}
  const sys::Fd& directory() const { return directory_; }

  // Adds `record` for the staged message. With Durable::kByDirectory it is durable on return;
  // otherwise when the staged file is synced with its names. May block.
  Status add(const Staged& staged, const std::string& record, Durable durable);
  // Returns whether the record exists.
  Result<bool> has(const std::string& record);
  // Removes the record; the removal is not synced.
  void remove(const std::string& record);
  // The same for a plan that fails; `staging` is the folder of the staged file (shared.hh).
  void take_back(const std::string& record, const sys::Fd& staging);
  // Looks among the messages `names` for one that has a record for `key` and, apart from the trace
  // header, the same content as `staged`. Syncs everything that the record promises, and returns
  // it. May block.
  Result<std::optional<EarlierCopy>> find(const std::vector<std::string>& names,
                                          const std::string& key, const Staged& staged);
  // Removes the records that are older than `window`.
  Status expire(std::chrono::seconds window);

 private:
  sys::Files* files_;
  sys::Fd directory_;
  bool shared_;
};

}  // namespace handoff::spool
