// A mail address as a value: the local part without its quotes, and the domain.
#pragma once

#include <string>
#include <string_view>

namespace handoff {

struct Address {
  std::string local;   // without quotes and backslashes (RFC 5321 4.1.2)
  std::string domain;  // as sent; an address literal keeps its brackets; empty if there is none

  // Returns the null reverse-path "<>".
  bool null() const { return local.empty() && domain.empty(); }
  // In the syntax of RFC 5321, without angle brackets. Quotes the local part if necessary.
  std::string text() const;
  // The reverse of text().
  static Address of_text(std::string_view text);
  // As in SMTP commands and the log: <text>.
  std::string bracketed() const { return "<" + text() + ">"; }

  bool operator==(const Address&) const = default;
};

// Replaces each word of `text` that is a mail address, or the local part or domain of `address`, by
// ***. For texts of other programs that are shown publicly.
std::string hide_address(std::string_view text, const Address& address);

// RFC 5322 3.2.3 atext, and every octet above ASCII (RFC 6531 3.3).
bool is_atext(char c);
// Returns whether `local` can stand without quotes: Dot-string of RFC 5321 4.1.2.
bool is_dot_string(std::string_view local);

}  // namespace handoff
