// Reverse-path and forward-path: the grammar of RFC 5321 4.1.2.
#pragma once

#include <string_view>

#include "base/address.hh"

namespace handoff::lmtp {

enum class PathFault { kNone, kSyntax };

struct Path {
  PathFault fault = PathFault::kNone;
  Address address;         // where there is no fault; null for "<>"
  bool non_ascii = false;  // valid UTF-8 beyond ASCII: needs SMTPUTF8 (RFC 6531)
  std::string_view rest;   // behind the '>'
};

// RFC 5321 4.5.3.1.1, octets; for recipients.
inline constexpr std::size_t kMaxRecipientLocal = 64;

struct PathRules {
  bool null_allowed = false;    // "<>": MAIL
  bool bare_local = false;      // a local part without a domain; <postmaster> always may
  std::size_t max_local = 256;  // octets; see path.cc on senders
};

// Reads a path at the start of `text`, which begins at its '<'. Source routes are read and
// dropped (RFC 5321 appendix C). Quoted local parts come out unquoted. Never blocks, never throws.
Path parse_path(std::string_view text, const PathRules& rules);

// Reads a mailbox without angle brackets (VRFY). All of `text` must be one.
Path parse_mailbox(std::string_view text, const PathRules& rules);

}  // namespace handoff::lmtp
