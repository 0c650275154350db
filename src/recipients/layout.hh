// From an address to a path below the spool, or in a home: the setting spool.layout. The one gate
// through which a name that a peer chose becomes part of a path (R2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/address.hh"
#include "base/mailbox.hh"

namespace handoff::recipients {

// Expands %u (the address), %n (local part), %d (domain), %2n (first two characters). Nothing where
// the result would not stay a path of plain names: an empty name, one that begins with a dot or is
// longer than 255 octets, a '/', NUL or control character from the address.
std::optional<std::string> expand_layout(std::string_view layout, const Address& address);

// The mailbox of `address`, its path and base set. `home`: that of a lookup that knows one, which
// %h at the beginning of the layout stands for. Nothing as above, and where the layout asks for a
// home and there is none.
std::optional<Mailbox> mailbox_by_layout(std::string_view layout, const Address& address,
                                         std::string_view home = {});
// The same where a lookup says itself where the mailbox lies: `path`, absolute or below the spool.
// Nothing where is_trusted_path() would say no of it.
std::optional<Mailbox> mailbox_by_path(std::string_view path, const Address& address);

// Whether what a lookup gave as a path is one: no control characters, no empty part, no "." or
// "..", none longer than 255 octets. A slash at its end does not count.
bool is_trusted_path(std::string_view path);

// Whether `name` may be one component of a path: see above.
bool is_plain_name(std::string_view name);

}  // namespace handoff::recipients
