// Converts an address to a path in the spool or in a home directory (setting spool.layout). Every
// name that a peer chooses passes through these functions before it becomes part of a path (R2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/address.hh"
#include "base/mailbox.hh"

namespace handoff::recipients {

// Expands %u (the address), %n (local part), %d (domain), %2n (first two characters). Returns
// nothing if the result is not a path of plain names, for example because a name is empty, begins
// with a dot or is longer than 255 octets, or because the address contains '/', NUL or a control
// character.
std::optional<std::string> expand_layout(std::string_view layout, const Address& address);

// The same for the path of a file that is not a mailbox: its components may begin with a dot.
// Returns nothing if the result is not a path by is_trusted_path().
std::optional<std::string> expand_path(std::string_view path, const Address& address);

// Returns the mailbox of `address`, with path and base. `home`, from a lookup, replaces %h at the
// start of the layout. Returns nothing as above, or if the layout needs a home and there is none.
std::optional<Mailbox> mailbox_by_layout(std::string_view layout, const Address& address,
                                         std::string_view home = {});
// The same for a `path` from a lookup, absolute or relative to the spool. Requires
// is_trusted_path(); otherwise returns nothing.
std::optional<Mailbox> mailbox_by_path(std::string_view path, const Address& address);

// Returns whether a path from a lookup is acceptable: it contains no control character, no empty
// component, no "." or "..", and no component longer than 255 octets. It may end in a slash.
bool is_trusted_path(std::string_view path);

// Returns whether `name` may be a component of a path; see above.
bool is_plain_name(std::string_view name);

}  // namespace handoff::recipients
