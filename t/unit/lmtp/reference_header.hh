// Where a header ends, written from RFC 5322 2.2 and 4.5 and from what Postfix and Exim do, and not
// from handoff's code. Does not need Boost, so a fuzzer can use it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hh"

namespace handoff::lmtp {

// Returns whether `line`, of which only the first 998 octets matter, is a field: a name of
// printable ASCII, optional blanks, and a colon. The envelope line of an mbox file, which has a
// time or ends in a year, counts as one.
inline bool is_reference_field(std::string_view line) {
  line = line.substr(0, 998);
  auto end = std::find_if(line.begin(), line.end(), [](char c) {
    return c == ':' || c == ' ' || is_control(c) || !is_ascii(c);
  });
  auto name = line.substr(0, static_cast<std::size_t>(end - line.begin()));
  auto colon = line.find_first_not_of(" \t", name.size());
  if (!name.empty() && colon != line.npos && line[colon] == ':') return true;
  if (!line.starts_with("From ") && !line.starts_with(">From ")) return false;
  std::string shape(line.substr(0, line.find_first_of("\r\n")));
  for (char& c : shape) c = is_digit(c) ? '0' : c == ':' ? ':' : 'x';
  return shape.find("0:0") != shape.npos || shape.ends_with("x0000");
}

// Returns the offset of the first line of the body, if the empty line before it is missing.
inline std::optional<std::size_t> missing_blank_line(std::string_view content) {
  for (std::size_t at = 0; at < content.size();) {
    auto end = std::min(content.find('\n', at), content.size() - 1);
    auto line = content.substr(at, end - at + 1);
    if (line == "\n" || line == "\r\n") return std::nullopt;
    bool folded = at > 0 && (line.front() == ' ' || line.front() == '\t');
    if (!folded && !is_reference_field(line)) return at;
    at += line.size();
  }
  return std::nullopt;
}

}  // namespace handoff::lmtp
