// The part of an address that a test compares: :all, :localpart, :domain (RFC 5228 2.7.4), :user,
// :detail (RFC 5233).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff::sieve {

struct Call;
struct Mailbox;

// Nothing if the address has no such part: an invalid address has no domain, and an address without
// a separator has no detail.
std::optional<std::string> address_part(const Call& call, const Mailbox& mailbox,
                                        std::string_view separators);

}  // namespace handoff::sieve
