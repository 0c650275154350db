// A mail address as a value: the local part without its quotes, and the domain.
#pragma once

#include <string>
#include <string_view>

namespace handoff {

struct Address {
  std::string local;   // octets as meant: quotes and quoted-pairs undone (RFC 5321 4.1.2)
  std::string domain;  // as sent; an address literal with its brackets; empty: none was given

  // The null reverse-path "<>".
  bool null() const { return local.empty() && domain.empty(); }
  // As RFC 5321 writes it, without angle brackets; the local part is quoted where it must be.
  std::string text() const;
  // What was written so.
  static Address of_text(std::string_view text);
  // As its commands and the log have it: <text>.
  std::string bracketed() const { return "<" + text() + ">"; }

  bool operator==(const Address&) const = default;
};

// RFC 5322 3.2.3 atext, and every octet above ASCII (RFC 6531 3.3).
bool is_atext(char c);
// Whether `local` can stand without quotes: Dot-string of RFC 5321 4.1.2.
bool is_dot_string(std::string_view local);

}  // namespace handoff
