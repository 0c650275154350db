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

std::string hide_address(std::string_view text, const Address& address) {
  constexpr std::string_view kBetween = " \t\"'<>()[],;:=/";
  std::string out;
  while (!text.empty()) {
    auto word = text.substr(0, text.find_first_of(kBetween));
    bool is_of_it = iequals(word, address.local) || iequals(word, address.domain);
    bool hidden = !word.empty() && (is_of_it || word.find('@') != word.npos);
    out += hidden ? "***" : word;
    text.remove_prefix(word.size());
    auto between = text.substr(0, text.find_first_not_of(kBetween));
    out += between;
    text.remove_prefix(between.size());
  }
  return out;
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
