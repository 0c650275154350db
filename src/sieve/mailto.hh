// mailto URIs (RFC 6068) as a notification method (RFC 5436).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace handoff::sieve {

struct Mailto {
  std::vector<std::string> to;  // as in a header: "Pat <pat@example.org>"
  std::vector<std::string> cc;
  std::vector<std::string> bcc;
  std::string subject;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // others that are harmless
};

// Returns nothing if `uri` is not a mailto URI, or if one of its recipients is not an address.
std::optional<Mailto> parse_mailto(std::string_view uri);

}  // namespace handoff::sieve
