// Values of recipients.lookup for tests, as the programs parse them.
#pragma once

#include <string>
#include <vector>

#include "conf/load.hh"
#include "recipients/kinds.hh"

namespace handoff {

inline std::vector<LookupSetting> lookup_settings(const std::vector<std::string>& values) {
  std::vector<LookupSetting> out;
  for (const auto& value : values) out.push_back(recipients::parse_lookup(value).value());
  return out;
}

namespace conf {

inline Settings combine(const std::vector<Assignment>& file,
                        const std::vector<Assignment>& options) {
  return combine(file, options, recipients::parse_lookup);
}

}  // namespace conf
}  // namespace handoff
