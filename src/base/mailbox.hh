// Where mail for a recipient goes. recipients/ names it, spool/ writes to it; it carries
// nothing that a peer could use as a path: each component has passed recipients/layout.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace handoff {

// Whose the files of a mailbox are.
struct MailboxOwner {
  uid_t uid = 0;
  gid_t gid = 0;

  bool operator==(const MailboxOwner&) const = default;
};

// What a mailbox may hold. Nothing: as the settings quota.size and quota.messages say; 0: any
// amount.
struct MailboxQuota {
  std::optional<std::uint64_t> size = {};  // octets
  std::optional<std::uint64_t> messages = {};

  bool operator==(const MailboxQuota&) const = default;
};

struct Mailbox {
  std::string path;     // below `base`: "example.org/pat", "Maildir"
  std::string folder;   // Maildir++ folder below it without its dot: "lists"; empty: the inbox
  std::string address;  // the folded address, what Delivered-To says: "pat@example.org"
  bool create = false;  // make it where it is not there (lookup = any)
  // Since when it has had its owner, where the lookup knows (RFC 7293).
  std::optional<std::chrono::sys_seconds> owned_since = {};
  // The directory that `path` lies in: a home, or what the administrator wrote. An absolute path
  // that may lead through symbolic links; empty: the spool.
  std::string base = {};
  bool create_folder = false;              // make the folder where it is not there
  std::optional<MailboxOwner> owner = {};  // nothing: whoever the worker runs as
  MailboxQuota quota = {};

  // One copy for each: the same mailbox named twice is delivered to once (RFC 2033 4.2).
  bool same_place(const Mailbox& other) const {
    return base == other.base && path == other.path && folder == other.folder;
  }
  // Below `base`, with the folder: "example.org/pat/.lists".
  std::string below_base() const { return folder.empty() ? path : path + "/." + folder; }
  // The mailbox, and the place in it, as they are told apart from all others: below the spool, or
  // absolute.
  std::string name() const { return base.empty() ? path : base + "/" + path; }
  std::string place() const { return folder.empty() ? name() : name() + "/." + folder; }
};

}  // namespace handoff
