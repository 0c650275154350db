// LookupSetting is one parsed value of recipients.lookup. LookupKind is what the configuration, the
// sandbox and the delivery process must know about a kind of lookup before one is created.
// recipients/kinds.cc has the table of kinds.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hh"

namespace handoff {

struct LookupKind {
  // What the lookup must have access to, besides the spool.
  enum class Reach {
    kSpool,     // nothing
    kFiles,     // local files
    kAccounts,  // the system's accounts, by any service that nsswitch.conf names
    kServer,    // a server, accessed by our own code
    kLibrary,   // a server, accessed by a library, which may also look up accounts
  };
  // Whether an answer may name the user who owns the mailbox.
  enum class Owners {
    kNone,      // no
    kVerified,  // yes; the delivery process asks the lookup itself
    kReported,  // yes, but only workers ask; the delivery process must trust them
  };

  std::string_view name;    // "postgresql"
  std::string_view syntax;  // "postgresql:CONNINFO?QUERY"
  // Returns an empty string if `argument` (the text after the name and a colon) is valid. Otherwise
  // returns the reason, which completes the sentence "recipients.lookup = VALUE: ".
  std::string (*fault)(std::string_view argument);
  Reach reach = Reach::kSpool;
  Owners owners = Owners::kNone;
  bool remote = false;            // asks another process, so answers are cached
  bool table = false;             // reads a table into memory that the workers share
  std::string_view aliases = {};  // alternative names that users may type, separated by spaces

  bool names_owners() const { return owners != Owners::kNone; }
  // Returns whether a lookup process asks it for the worker (recipients/lookup_process.hh), because
  // it needs a connection, a password or a library of its own.
  bool apart() const { return reach >= Reach::kServer || (reach == Reach::kFiles && !table); }
};

struct LookupSetting {
  LookupKind kind;
  std::string argument;     // the text after the name and a colon
  std::string origin = {};  // where it was set: "/etc/handoffd.conf:12"; empty for the default

  // Returns `error`, which concerns this setting, with the place where it was set.
  Error locate(Error error) const;
};

// The error is EINVAL, and says what is wrong or lists the kinds. conf/ gets the parser as an
// argument, because it does not know the kinds.
using LookupParser = Result<LookupSetting> (*)(std::string_view value);

}  // namespace handoff
