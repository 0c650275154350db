#include "lookups/ldap_url.hh"

#include <ldap.h>

#include <memory>

#include "base/text.hh"
#include "recipients/record.hh"

namespace handoff::recipients {
namespace {

Error fault(const std::string& what) { return explained(EINVAL, what); }

// Rewrites `url` for libldap. Without a scope, libldap searches "base", as RFC 4516 says, but we
// search "sub". libldap also treats each % as the start of an encoded octet (RFC 3986 2.1). But
// here a % stands for itself in the filter, and wherever no two hexadecimal digits follow it.
std::string for_libldap(std::string_view url) {
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  std::string out;
  int part = 0;
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (url[i] == '?') ++part;
    out += url[i];
    bool octet = part != 3 && i + 2 < url.size() && kHex.find(url[i + 1]) != kHex.npos &&
                 kHex.find(url[i + 2]) != kHex.npos;
    if (url[i] == '%' && !octet) out += "25";
    bool no_scope = url[i] == '?' && part == 2 && (i + 1 == url.size() || url[i + 1] == '?');
    if (no_scope) out += "sub";
  }
  if (part < 2) out += (part == 0 ? "??" : "?") + std::string("sub");
  return out;
}

Status take_attribute(LdapUrl& url, std::string_view text) {
  auto equals = text.find('=');
  auto field = text.substr(0, equals);
  if (equals == std::string_view::npos || !is_field(field) || equals + 1 == text.size()) {
    return fault(std::string(text) + " is not FIELD=ATTRIBUTE");
  }
  url.attributes.emplace_back(field, text.substr(equals + 1));
  return {};
}

Status take_extension(LdapUrl& url, std::string_view text) {
  auto equals = text.find('=');
  auto name = text.substr(0, equals);
  auto value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  if (name.starts_with('!'))
    name.remove_prefix(1);  // RFC 4516 2: '!' means critical; we treat all extensions as critical
  if (iequals(name, "bindname")) {
    url.bind_name = value;
  } else if (iequals(name, "password-file")) {
    url.password_file = value;
  } else if (iequals(name, "starttls")) {
    url.start_tls = true;
  } else {
    return fault("no such extension: " + std::string(name));
  }
  return {};
}

// `list` is null, or ends with a null pointer.
Status take_all(LdapUrl& url, char** list, Status (*take)(LdapUrl&, std::string_view)) {
  for (; list != nullptr && *list != nullptr; ++list) {
    if (auto taken = take(url, *list); !taken) return taken;
  }
  return {};
}

}  // namespace

Result<LdapUrl> parse_ldap_url(const std::string& text) {
  // A setting "ldap://...": the scheme was interpreted as the kind of lookup.
  auto whole = text.starts_with("//") ? "ldap:" + text : text;
  LDAPURLDesc* parsed = nullptr;
  int code = ::ldap_url_parse(for_libldap(whole).c_str(), &parsed);
  std::unique_ptr<LDAPURLDesc, void (*)(LDAPURLDesc*)> owned(parsed, ::ldap_free_urldesc);
  if (code == LDAP_URL_ERR_BADSCOPE) return fault("the scope must be sub, one or base");
  if (code != LDAP_URL_SUCCESS) return fault("not an LDAP URL (RFC 4516)");
  LdapUrl url;
  url.server = whole.substr(0, whole.find('/', whole.find("://") + 3));
  url.base = parsed->lud_dn != nullptr ? parsed->lud_dn : "";
  url.scope = parsed->lud_scope;
  url.filter = parsed->lud_filter != nullptr ? parsed->lud_filter : "";
  if (auto taken = take_all(url, parsed->lud_attrs, take_attribute); !taken) return taken.error();
  if (auto taken = take_all(url, parsed->lud_exts, take_extension); !taken) return taken.error();
  return url;
}

}  // namespace handoff::recipients
