// SPOOL/.handoff/marks: records of events for a user, so that they do not happen twice: a vacation
// reply to a sender, or a message that `duplicate` has seen. A mark is an empty file,
//
//   marks/HH/HASH,L=n      HASH is a digest of user, kind and id, HH its first two digits
//
// Its modification time is the time of the event, and it counts for at most 2^n seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hh"
#include "spool/durable.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct UserMark {
  enum class Kind : std::uint8_t { kDuplicate, kVacation };
  std::string user;
  Kind kind = Kind::kDuplicate;
  std::string id;             // any octets
  std::uint64_t seconds = 0;  // how long it counts; 0: not at all
};

class Marks {
 public:
  // `files` must outlive the object. `directory` is SPOOL/.handoff/marks; `shared`: as in
  // shared.hh.
  Marks(sys::Files& files, sys::Fd directory, bool shared)
      : files_(&files), directory_(std::move(directory)), shared_(shared) {}
  const sys::Fd& directory() const { return directory_; }

  // Returns whether the mark was set within the last `mark.seconds`. May block.
  Result<bool> seen(const UserMark& mark);
  // Sets the mark, from now on. May block.
  Status set(const UserMark& mark, Durable durable);
  // Removes the mark again; not synced.
  void unset(const UserMark& mark);
  // Removes the marks that no longer count, and returns their number.
  Result<std::uint64_t> expire();

 private:
  Result<sys::Fd> open(const std::string& hash, bool make);

  sys::Files* files_;
  sys::Fd directory_;
  bool shared_;
};

}  // namespace handoff::spool
