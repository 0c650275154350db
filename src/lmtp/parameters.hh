// ESMTP parameters after the path of MAIL and RCPT (RFC 5321 4.1.2, 4.1.1.11).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace handoff::lmtp {

struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;  // after '='; never empty
};

struct Parameters {
  std::vector<Parameter> list;
  std::string_view
      malformed;  // the first word that is not a parameter or is repeated; otherwise empty
};

// Splits "SIZE=100 BODY=8BITMIME" at spaces. The views point into `text`.
Parameters parse_parameters(std::string_view text);

}  // namespace handoff::lmtp
