#include "sieve/plain_text.hh"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff::sieve {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kReferences{
    {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}}};

// Elements whose content is not shown as text.
constexpr std::array<std::string_view, 3> kHidden{"script", "style", "template"};

// Returns the name of the tag at the start of `text`, which begins with '<'.
std::string tag_name(std::string_view text) {
  text.remove_prefix(1);
  auto size = static_cast<std::size_t>(
      std::ranges::find_if_not(text,
                               [](char c) { return is_alpha(c) || is_digit(c) || c == '/'; }) -
      text.begin());
  return lower(text.substr(0, size));
}

// Returns the size of the tag: '>' within quotes does not end it.
std::size_t tag_size(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return i + 1;
    }
  }
  return text.size();
}

// Appends what "&name;" at the start of `text` stands for; returns its size.
std::size_t reference(std::string_view text, std::string& out) {
  auto end = text.substr(0, 12).find(';');
  if (end != std::string_view::npos) {
    auto name = text.substr(1, end - 1);
    for (const auto& [known, value] : kReferences) {
      if (name == known) return out += value, end + 1;
    }
    auto number = name.starts_with('#') ? parse_number(name.substr(1)) : std::nullopt;
    if (number && *number > 0 && *number < 0x110000 && (*number < 0xd800 || *number > 0xdfff)) {
      append_utf8(out, static_cast<std::uint32_t>(*number));
      return end + 1;
    }
  }
  out += '&';
  return 1;
}

}  // namespace

std::string text_of_html(std::string_view html) {
  std::string out;
  while (!html.empty()) {
    char c = html.front();
    std::size_t size = 1;
    if (html.starts_with("<!--")) {
      auto end = html.find("-->", 4);
      size = end == std::string_view::npos ? html.size() : end + 3;
    } else if (c == '<' && html.size() > 1 &&
               (is_alpha(html[1]) || html[1] == '/' || html[1] == '!' || html[1] == '?')) {
      auto name = tag_name(html);
      size = tag_size(html);
      if (std::ranges::find(kHidden, name) != kHidden.end()) {
        auto rest = html.substr(size);
        std::size_t end = 0;
        while (end < rest.size() && !istarts_with(rest.substr(end), "</" + name)) ++end;
        size += end;
      }
      out += ' ';
    } else if (c == '&') {
      size = reference(html, out);
    } else {
      out += c;
    }
    html.remove_prefix(std::min(size, html.size()));
  }
  return out;
}

}  // namespace handoff::sieve
