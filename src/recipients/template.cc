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
      return explained(
          EINVAL, "unknown variable: only %u, %n, %d and %% (for a percent sign) are allowed: " +
                      std::string(text));
    }
  }
  if (out.variables.empty()) {
    return explained(EINVAL, "must ask for the recipient by %u or %n: " + std::string(text));
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

std::string Template::shown(const Address& address, std::string_view quote) const {
  std::string out = texts.front();
  auto all = values(address);
  for (std::size_t i = 0; i < all.size(); ++i) {
    out += std::string(quote) + all[i] + std::string(quote) + texts[i + 1];
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

Result<Database> Database::parse(std::string_view text) {
  auto mark = std::min(text.find('?'), text.size());
  Database out{std::string(trim(text.substr(0, mark))), {}};
  auto query = trim(text.substr(std::min(mark + 1, text.size())));
  if (out.where.empty() || query.empty()) {
    return explained(EINVAL, "must name the database, then a ? and a query");
  }
  auto parsed = Template::parse(query);
  if (!parsed) return parsed.error();
  out.query = std::move(parsed).value();
  std::string before;
  for (std::size_t i = 0; i + 1 < out.query.texts.size(); ++i) {
    before += out.query.texts[i];
    if (std::ranges::count(before, '\'') % 2 == 1) {
      return explained(EINVAL, "a variable needs no quotes in a query: " + std::string(query));
    }
  }
  return out;
}

std::string Database::prepared(bool numbered) const {
  std::string text = query.texts.front();
  for (std::size_t i = 1; i < query.texts.size(); ++i) {
    text += (numbered ? "$" + std::to_string(i) : "?") + query.texts[i];
  }
  return text;
}

}  // namespace handoff::recipients
