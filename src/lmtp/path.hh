// Reverse-path and forward-path: the grammar of RFC 5321 4.1.2, and the extensions to it that we
// accept.
//
// The queue manager has already accepted the message, so refusing it here causes a bounce. A sender
// is only written to Return-Path: and the log, so almost anything between angle brackets is
// accepted. A recipient is looked up, so it must be an address.
#pragma once

#include <optional>
#include <string_view>

#include "base/address.hh"
#include "base/envelope.hh"

namespace handoff::lmtp {

enum class PathFault { kNone, kSyntax };

struct Path {
  PathFault fault = PathFault::kNone;
  Address address;         // if there is no fault
  bool non_ascii = false;  // valid UTF-8 beyond ASCII: needs SMTPUTF8 (RFC 6531)
  std::string_view rest;   // after the '>'
};

struct PathRules {
  bool bare_local = false;  // accept a local part without a domain; <postmaster> is always accepted
  bool brackets_optional = false;  // protocol.lenient-addresses
  // The labels of a domain may be of any length, and begin and end with hyphens.
  bool any_labels = false;
};

// Parses a recipient at the start of `text`. A local part may have dots anywhere, and neither it
// nor the path has a maximum length (RFC 5321 4.5.3.1). Source routes are parsed and dropped (RFC
// 5321 appendix C). Quoted local parts are returned without quotes. Never blocks, never throws.
Path parse_path(std::string_view text, const PathRules& rules);

// Parses a mailbox without angle brackets (VRFY). Requires that all of `text` is the mailbox.
Path parse_mailbox(std::string_view text, const PathRules& rules);

struct SenderPath {
  Sender sender;
  std::string_view rest;  // after the path
};

// Parses a sender at the start of `text`. Returns nothing if `text` has no path, if the end of the
// path is ambiguous, or if the path contains a control character.
std::optional<SenderPath> parse_sender(std::string_view text, bool brackets_optional = false);

// Returns the length of the path at the start of `text`, including brackets; 0 if there is none.
std::size_t path_length(std::string_view text);

}  // namespace handoff::lmtp
