// From an address to a path below the spool: the setting spool.layout. The one gate through which a
// name that a peer chose becomes part of a path (R2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/address.hh"

namespace handoff::recipients {

// Expands %u (the address), %n (local part), %d (domain), %2n (first two octets). Nothing where the
// result would not stay a path of plain names: an empty name, one that begins with a dot or is
// longer than 255 octets, a '/', NUL or control character from the address.
std::optional<std::string> expand_layout(std::string_view layout, const Address& address);

// Whether `name` may be one component of a path: see above.
bool is_plain_name(std::string_view name);

}  // namespace handoff::recipients
