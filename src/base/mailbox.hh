// Where to deliver mail for a recipient. recipients/ creates it and spool/ writes to it. It
// contains no path that a peer could choose: recipients/layout has checked each component.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace handoff {

// The user and group that own the files of a mailbox.
struct MailboxOwner {
  uid_t uid = 0;
  gid_t gid = 0;

  bool operator==(const MailboxOwner&) const = default;
};

// The limits of a mailbox. Nothing: the settings quota.size and quota.messages apply. 0: unlimited.
struct MailboxQuota {
  std::optional<std::uint64_t> size = {};  // octets
  std::optional<std::uint64_t> messages = {};

  bool operator==(const MailboxQuota&) const = default;
};

// Another host, which has the mailbox and takes its mail over LMTP.
struct Backend {
  std::string host;         // a name or an address, without brackets
  std::uint16_t port = 24;  // where many servers listen for LMTP
  // How long it may take for each step; nothing: proxy.timeout and proxy.delivery-timeout. Two
  // objects that differ only in this are the same host.
  std::optional<std::chrono::seconds> timeout = {};

  // "mail1.example.org:24", "[2001:db8::1]:24"
  std::string text() const {
    bool bracketed = host.find(':') != host.npos;
    return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
  std::strong_ordering operator<=>(const Backend& other) const {
    return std::tie(host, port) <=> std::tie(other.host, other.port);
  }
  bool operator==(const Backend& other) const { return std::is_eq(*this <=> other); }
};

struct Mailbox {
  std::string path;     // relative to `base`: "example.org/pat", "Maildir"
  std::string folder;   // Maildir++ folder in it, without the dot: "lists"; empty: the inbox
  std::string address;  // the folded address, for Delivered-To: "pat@example.org"
  bool create = false;  // create the mailbox if it does not exist (lookup = any)
  // When the mailbox got its current owner, if the lookup knows (RFC 7293).
  std::optional<std::chrono::sys_seconds> owned_since = {};
  // The directory that contains `path`: a home directory, or one from the configuration. An
  // absolute path, which may lead through symbolic links. Empty: the spool.
  std::string base = {};
  bool create_folder = false;              // create the folder if it does not exist
  std::optional<MailboxOwner> owner = {};  // nothing: the user that the worker runs as
  MailboxQuota quota = {};
  // The host that has the mailbox; nothing: this one. If set, `path` is the address for RCPT there,
  // and `base` and `folder` are empty.
  std::optional<Backend> backend = {};
  std::string home = {};    // the owner's home directory, absolute, if the lookup knows it
  std::string script = {};  // the Sieve script by the lookup, absolute or relative to `home`

  // A message is delivered once to each place, even if several recipients lead to it (RFC 2033
  // 4.2).
  bool same_place(const Mailbox& other) const {
    return base == other.base && path == other.path && folder == other.folder &&
           backend == other.backend;
  }
  // Relative to `base`, with the folder: "example.org/pat/.lists".
  std::string below_base() const { return folder.empty() ? path : path + "/." + folder; }
  // Unique names of the mailbox, and of the folder in it: relative to the spool, absolute, or with
  // the host.
  std::string name() const {
    if (backend) return backend->text() + "/" + path;
    return base.empty() ? path : base + "/" + path;
  }
  std::string place() const { return folder.empty() ? name() : name() + "/." + folder; }
};

}  // namespace handoff
