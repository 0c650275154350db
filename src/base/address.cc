#include "base/address.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff {

bool is_atext(char c) {
  return is_alpha(c) || is_digit(c) || !is_ascii(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view local) {
  return all_parts(local, '.', [](std::string_view atom) {
    return !atom.empty() && std::ranges::all_of(atom, is_atext);
  });
}

std::string Address::text() const {
  std::string out;
  if (is_dot_string(local) || null()) {
    out = local;
  } else {
    out = "\"";
    for (char c : local) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return domain.empty() ? out : out + "@" + domain;
}

Address Address::of_text(std::string_view text) {
  Address address;
  if (!text.starts_with('"')) {
    auto at = std::min(text.rfind('@'), text.size());
    address.local = text.substr(0, at);
    text.remove_prefix(at);
  } else {
    text.remove_prefix(1);
    for (; !text.empty() && text.front() != '"'; text.remove_prefix(1)) {
      if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
      address.local += text.front();
    }
    text.remove_prefix(std::min<std::size_t>(text.size(), 1));
  }
  if (text.starts_with('@')) address.domain = text.substr(1);
  return address;
}

}  // namespace handoff
