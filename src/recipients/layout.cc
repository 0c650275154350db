#include "recipients/layout.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::recipients {
namespace {

constexpr std::size_t kMaxName = 255;  // NAME_MAX of all usual filesystems, octets

bool is_path_safe(std::string_view value) {
  return !value.empty() &&
         std::ranges::none_of(value, [](char c) { return c == '/' || is_control(c); });
}

std::optional<std::string> variable(char name, const Address& address) {
  switch (name) {
    case 'u':
      return address.domain.empty() ? address.local : address.local + "@" + address.domain;
    case 'n':
      return address.local;
    case 'd':
      return address.domain;
    default:
      return std::nullopt;
  }
}

// Counts UTF-8 characters, so that no character is cut.
std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (; count > 0 && end < text.size(); --count) {
    do {
      ++end;
    } while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80);
  }
  return text.substr(0, end);
}

}  // namespace

bool is_trusted_path(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return all_parts(path, '/', [](std::string_view name) {
    return is_path_safe(name) && name != "." && name != ".." && name.size() <= kMaxName;
  });
}

bool is_plain_name(std::string_view name) {
  return is_path_safe(name) && name.front() != '.' && name.size() <= kMaxName;
}

namespace {

std::optional<std::string> expand(std::string_view layout, const Address& address) {
  std::string path;
  while (!layout.empty()) {
    char c = layout.front();
    layout.remove_prefix(1);
    if (c != '%') {
      path += c;
      continue;
    }
    std::size_t digits = 0;
    while (digits < layout.size() && is_digit(layout[digits])) ++digits;
    auto width = parse_number(layout.substr(0, digits));
    layout.remove_prefix(digits);
    if (layout.empty()) return std::nullopt;
    auto value = variable(layout.front(), address);
    layout.remove_prefix(1);
    if (!value || !is_path_safe(*value)) return std::nullopt;
    path += width ? first_characters(*value, *width) : *value;
  }
  return path;
}

}  // namespace

std::optional<std::string> expand_layout(std::string_view layout, const Address& address) {
  auto path = expand(layout, address);
  return path && all_parts(*path, '/', is_plain_name) ? path : std::nullopt;
}

std::optional<std::string> expand_path(std::string_view path, const Address& address) {
  auto expanded = expand(path, address);
  return expanded && is_trusted_path(*expanded) ? expanded : std::nullopt;
}

std::optional<Mailbox> mailbox_by_path(std::string_view path, const Address& address) {
  if (!is_trusted_path(path)) return std::nullopt;
  if (path.ends_with('/')) path.remove_suffix(1);
  Mailbox mailbox{std::string(path), "", address.text()};
  if (path.starts_with('/')) {
    auto last = path.rfind('/');
    mailbox.base = last == 0 ? "/" : path.substr(0, last);
    mailbox.path = path.substr(last + 1);
  }
  return mailbox;
}

std::optional<Mailbox> mailbox_by_layout(std::string_view layout, const Address& address,
                                         std::string_view home) {
  if (!layout.starts_with("%h")) {
    auto path = expand_layout(layout, address);
    if (!path) return std::nullopt;
    return Mailbox{*path, "", address.text()};
  }
  if (!home.starts_with('/') || !is_trusted_path(home)) return std::nullopt;
  if (layout == "%h") return mailbox_by_path(home, address);
  if (!layout.starts_with("%h/")) return std::nullopt;
  if (home.ends_with('/')) home.remove_suffix(1);
  auto path = expand_layout(layout.substr(3), address);
  if (!path) return std::nullopt;
  Mailbox mailbox{*path, "", address.text()};
  mailbox.base = home;
  return mailbox;
}

}  // namespace handoff::recipients
