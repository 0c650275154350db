#include "base/netstring.hh"

#include "base/text.hh"

namespace handoff {

void add_netstring(std::string& to, std::string_view octets) {
  to += std::to_string(octets.size());
  to += ':';
  to += octets;
  to += ',';
}

std::string_view Netstrings::next() {
  auto colon = rest_.find(':');
  auto size = parse_number(rest_.substr(0, colon));
  // The comma must be present too.
  bool whole = colon != rest_.npos && size && *size < rest_.size() - colon - 1 &&
               rest_[colon + 1 + *size] == ',';
  if (!whole) {
    good_ = false;
    rest_ = {};
    return {};
  }
  auto out = rest_.substr(colon + 1, *size);
  rest_.remove_prefix(colon + 1 + *size + 1);
  return out;
}

}  // namespace handoff
