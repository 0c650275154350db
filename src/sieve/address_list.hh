// Addresses of a header field (RFC 5322 3.4) and of the envelope (RFC 5321 4.1.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace handoff::sieve {

struct Mailbox {
  std::string name;    // the display name, undecoded
  std::string local;   // without its quotes
  std::string domain;  // empty in an envelope for <MAILER-DAEMON>
  bool valid = true;
  std::string text;  // the original text, if it is not valid

  // "local@domain", quoted as necessary; the original text if it is invalid.
  std::string address() const;
};

// Returns `Name <address>` for a header: the name is quoted if necessary, or encoded (RFC 2047) if
// it is not ASCII; without a name, "<address>".
std::string in_header(const Mailbox& mailbox);

// Returns all addresses of an address-list, including those within groups and invalid ones, which
// keep the original text. An empty field yields one empty, invalid address.
std::vector<Mailbox> parse_address_list(std::string_view text);

// Parses a path of the envelope, with or without angle brackets; source routes are dropped. "<>"
// yields an address whose parts are both empty. Returns nothing if `text` is not a path.
std::optional<Mailbox> parse_path(std::string_view text);

// Returns the only address in the argument of redirect or :from: "pat@example.org" or "Pat
// <pat@example.org>" in ASCII. Nothing if it contains no address, or several.
std::optional<Mailbox> parse_one_address(std::string_view text);

// A local part, split at the first of `separators` into user and detail (RFC 5233).
struct LocalPart {
  std::string user;
  std::optional<std::string> detail;
};
LocalPart split_local_part(std::string_view local, std::string_view separators);

}  // namespace handoff::sieve
