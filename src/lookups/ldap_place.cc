#include "lookups/ldap_place.hh"

#include "base/text.hh"
#include "recipients/record.hh"

namespace handoff::recipients {
namespace {

int hexadecimal(char c) {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// RFC 3986 2.1; a % that begins no octet stays.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool coded = text[i] == '%' && i + 2 < text.size() && hexadecimal(text[i + 1]) >= 0 &&
                 hexadecimal(text[i + 2]) >= 0;
    if (coded) {
      out += static_cast<char>(hexadecimal(text[i + 1]) * 16 + hexadecimal(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Error fault(const std::string& what) { return {EINVAL, "recipients.lookup = ldap: " + what, {}}; }

Status take_attributes(LdapPlace& place, std::string_view text) {
  if (text.empty()) return {};
  for (auto part : split(text, ',')) {
    auto equals = part.find('=');
    auto field = part.substr(0, equals);
    if (equals == std::string_view::npos || !is_field(field) || equals + 1 == part.size()) {
      return fault(escape(part) + " is no FIELD=ATTRIBUTE");
    }
    place.attributes.emplace_back(field, part.substr(equals + 1));
  }
  return {};
}

Status take_extensions(LdapPlace& place, std::string_view text) {
  if (text.empty()) return {};
  for (auto part : split(text, ',')) {
    auto equals = part.find('=');
    auto name = part.substr(0, equals);
    auto value = equals == std::string_view::npos ? "" : decode(part.substr(equals + 1));
    if (name.starts_with('!')) name.remove_prefix(1);  // RFC 4516 2: critical, as all are here
    if (iequals(name, "bindname")) {
      place.bind_name = value;
    } else if (iequals(name, "password-file")) {
      place.password_file = value;
    } else if (iequals(name, "starttls")) {
      place.start_tls = true;
    } else {
      return fault("no such extension: " + escape(name));
    }
  }
  return {};
}

}  // namespace

Result<LdapPlace> parse_ldap_place(const std::string& url) {
  // "ldap://..." is a setting by itself: then its scheme was taken for the kind of lookup.
  auto whole = url.starts_with("//") ? "ldap:" + url : url;
  auto scheme = whole.find("://");
  if (scheme == std::string::npos) return fault("no URL");
  auto slash = whole.find('/', scheme + 3);
  LdapPlace place;
  place.server = whole.substr(0, slash);
  std::string_view rest =
      slash == std::string::npos ? "" : std::string_view(whole).substr(slash + 1);
  std::vector<std::string_view> parts = split(rest, '?');
  parts.resize(std::max<std::size_t>(parts.size(), 5));
  if (parts.size() > 5) return fault("more than four ? in the URL");
  place.base = decode(parts[0]);
  place.scope = parts[2].empty() ? "sub" : lower(parts[2]);
  if (place.scope != "sub" && place.scope != "one" && place.scope != "base") {
    return fault("the scope must be sub, one or base");
  }
  place.filter = parts[3];
  if (auto taken = take_attributes(place, parts[1]); !taken) return taken.error();
  if (auto taken = take_extensions(place, parts[4]); !taken) return taken.error();
  return place;
}

}  // namespace handoff::recipients
