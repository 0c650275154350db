#include "sieve/mailto.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/address_list.hh"
#include "sieve/header.hh"

namespace handoff::sieve {
namespace {

// Returns whether the character need not be encoded: RFC 3986 3.4, as restricted by RFC 6068 2.
bool is_plain(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("-._~!$'()*+,:@/?").find(c) != std::string_view::npos;
}

std::optional<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!is_plain(text[i])) return std::nullopt;
      out += text[i];
      continue;
    }
    int value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    for (char c : text.substr(i + 1, 2)) {
      c = lower(c);
      int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0) return std::nullopt;
      value = value * 16 + digit;
    }
    if (value == 0) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

// Adds the addresses; false if one is invalid.
bool add_addresses(std::vector<std::string>& out, std::string_view list) {
  if (trim(list).empty()) return true;
  for (const auto& mailbox : parse_address_list(list)) {
    if (!mailbox.valid || !all_ascii(mailbox.address())) return false;
    out.push_back(mailbox.name.empty() ? mailbox.address() : in_header(mailbox));
  }
  return true;
}

// RFC 5436 2.3: the URI must not set the fields that the sender of the notification determines.
bool is_reserved(std::string_view name) {
  static constexpr std::string_view kReserved[] = {
      "from",   "date",         "message-id", "auto-submitted", "received",    "return-path",
      "sender", "mime-version", "x-priority", "importance",     "in-reply-to", "references"};
  return istarts_with(name, "content-") || istarts_with(name, "resent-") ||
         std::ranges::any_of(kReserved, [&](std::string_view r) { return iequals(r, name); });
}

bool add_hfield(Mailto& out, const std::string& name, const std::string& value) {
  if (!is_field_name(name)) return false;
  if (iequals(name, "to")) return add_addresses(out.to, value);
  if (iequals(name, "cc")) return add_addresses(out.cc, value);
  if (iequals(name, "bcc")) return add_addresses(out.bcc, value);
  if (iequals(name, "subject")) {
    out.subject = value;
  } else if (iequals(name, "body")) {
    out.body = value;
  } else if (!is_reserved(name)) {
    out.fields.emplace_back(name, value);
  }
  return true;
}

}  // namespace

std::optional<Mailto> parse_mailto(std::string_view uri) {
  if (!istarts_with(uri, "mailto:")) return std::nullopt;
  uri.remove_prefix(7);
  auto query = uri.find('?');
  auto to = decode_percent(uri.substr(0, query));
  Mailto out;
  if (!to || !add_addresses(out.to, *to)) return std::nullopt;
  if (query == std::string_view::npos) return out;
  for (auto part : split(uri.substr(query + 1), '&')) {
    auto equals = part.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    auto name = decode_percent(part.substr(0, equals));
    auto value = decode_percent(part.substr(equals + 1));
    if (!name || !value || !add_hfield(out, *name, *value)) return std::nullopt;
  }
  return out;
}

}  // namespace handoff::sieve
