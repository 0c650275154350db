// Where mail for a recipient goes. recipients/ names it, spool/ writes to it; it carries
// nothing that a peer could use as a path: each component has passed recipients/layout.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace handoff {

struct Mailbox {
  std::string path;     // relative to the spool: "example.org/pat"
  std::string folder;   // Maildir++ folder below it without its dot: "lists"; empty: the inbox
  std::string address;  // the folded address, what Delivered-To says: "pat@example.org"
  bool create = false;  // make it where it is not there (lookup = any)
  // Since when it has had its owner, where the lookup knows (RFC 7293).
  std::optional<std::chrono::sys_seconds> owned_since = {};

  // One copy for each: the same mailbox named twice is delivered to once (RFC 2033 4.2).
  bool same_place(const Mailbox& other) const {
    return path == other.path && folder == other.folder;
  }
  std::string place() const { return folder.empty() ? path : path + "/." + folder; }
};

}  // namespace handoff
