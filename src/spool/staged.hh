// A complete message, as seen by a process that writes it into a mailbox.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct Staged {
  std::string name;                  // in staging
  std::uint64_t size = 0;            // octets
  std::uint64_t content_offset = 0;  // octets of trace header before the content
  // Exactly one of these is set. The worker has the folder of the file, so it may link the file. A
  // delivery process has only the file, open for reading, so it must copy it.
  const sys::Fd* folder = nullptr;
  const sys::Fd* file = nullptr;
  // The name that its copies get in mailboxes, by which a retry finds them; empty: `name`.
  std::string stored_as = {};

  const std::string& target() const { return stored_as.empty() ? name : stored_as; }
  // Returns the file, open for reading. `opened` owns it if it was not open before.
  Result<const sys::Fd*> open(sys::Files& files, sys::Fd& opened) const {
    if (file != nullptr) return file;
    auto found = files.open_file(*folder, name);
    if (!found) return found.error();
    opened = std::move(found).value();
    return &opened;
  }
};

}  // namespace handoff::spool
