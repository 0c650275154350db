#include "recipients/template.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::recipients {

Result<Template> Template::parse(std::string_view text) {
  Template out;
  out.texts.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.texts.back() += text[i];
      continue;
    }
    char name = ++i < text.size() ? text[i] : '\0';
    if (name == '%') {
      out.texts.back() += '%';
    } else if (name == 'u' || name == 'n' || name == 'd') {
      out.variables += name;
      out.texts.emplace_back();
    } else {
      return Error{EINVAL, "knows %u, %n, %d and %% alone: " + escape(text), {}};
    }
  }
  if (out.variables.empty()) {
    return Error{EINVAL, "does not ask for %u or %n: " + escape(text), {}};
  }
  return out;
}

std::vector<std::string> Template::values(const Address& address) const {
  std::vector<std::string> out;
  for (char name : variables) {
    out.push_back(name == 'n'   ? address.local
                  : name == 'd' ? address.domain
                                : address.local + "@" + address.domain);
  }
  return out;
}

bool Template::has_word(std::string_view word) const {
  auto is_part = [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; };
  return std::ranges::any_of(texts, [&](std::string_view text) {
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
      auto behind = at + word.size();
      bool begins = at == 0 || !is_part(text[at - 1]);
      if (begins && (behind == text.size() || !is_part(text[behind]))) return true;
    }
    return false;
  });
}

Result<Template> parse_query(std::string_view text) {
  auto query = Template::parse(text);
  if (!query) return query;
  std::string before;
  for (std::size_t i = 0; i + 1 < query.value().texts.size(); ++i) {
    before += query.value().texts[i];
    if (std::ranges::count(before, '\'') % 2 == 1) {
      return Error{EINVAL, "variables stand without quotes: " + escape(text), {}};
    }
  }
  return query;
}

}  // namespace handoff::recipients
