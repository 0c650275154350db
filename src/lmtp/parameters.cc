#include "lmtp/parameters.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::lmtp {
namespace {

bool is_keyword(std::string_view text) {
  return !text.empty() && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
}

// esmtp-value: no '=', space or control character. RFC 6531 3.3 adds non-ASCII characters.
bool is_value(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return c == '=' || c == ' ' || is_control(c); });
}

}  // namespace

Parameters parse_parameters(std::string_view text) {
  Parameters out;
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    auto equals = word.find('=');
    Parameter parameter{word.substr(0, equals), std::nullopt};
    bool well_formed = is_keyword(parameter.keyword);
    if (equals != std::string_view::npos) {
      parameter.value = word.substr(equals + 1);
      well_formed = well_formed && is_value(*parameter.value);
    }
    bool repeated = std::ranges::any_of(out.list, [&](const Parameter& other) {
      return iequals(other.keyword, parameter.keyword);
    });
    if (!well_formed || repeated) {
      out.malformed = word;
      return out;
    }
    out.list.push_back(parameter);
  }
  return out;
}

}  // namespace handoff::lmtp
