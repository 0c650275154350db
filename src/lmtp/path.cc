#include "lmtp/path.hh"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff::lmtp {
namespace {

// RFC 5321 4.5.3.1.3 and .2, octets. The limit of 64 for a local part is kept for recipients only
// (kMaxRecipientLocal): senders with longer ones are everyday (VERP, SRS), and 4.5.3.1 asks servers
// to impose no limit where they can; refusing them would bounce mail that is in order.
constexpr std::size_t kMaxPath = 256;
constexpr std::size_t kMaxDomain = 255;
constexpr std::size_t kMaxLabel = 63;  // RFC 1035 2.3.4

// A cursor over the text; each reader takes what it is named for, or says no.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::string_view rest() const { return text_; }
  bool at(char c) const { return !text_.empty() && text_.front() == c; }
  bool take(char c) {
    if (!at(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool quoted(std::string& local) {
    if (!take('"')) return false;
    while (!text_.empty()) {
      char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\') {
        if (text_.empty()) return false;
        c = text_.front();
        text_.remove_prefix(1);
      }
      if (is_control(c)) return false;
      local += c;
    }
    return false;
  }

  bool dot_string(std::string& local) {
    auto end = std::ranges::find_if(text_, [](char c) { return c != '.' && !is_atext(c); });
    local = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(local.size());
    return is_dot_string(local);
  }

  bool domain(std::string& domain) {
    if (at('[')) return literal(domain);
    auto end = std::ranges::find_if(text_, [](char c) {
      return !is_alpha(c) && !is_digit(c) && is_ascii(c) && c != '-' && c != '.' && c != '_';
    });
    domain = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(domain.size());
    return domain.size() <= kMaxDomain && all_parts(domain, '.', is_label);
  }

 private:
  // Underscores are no letter-digit-hyphen, but stand in names that deliver mail.
  static bool is_label(std::string_view label) {
    // Of a U-label the limit holds for its A-label, which to_ascii_domain sees to.
    bool too_long = all_ascii(label) && label.size() > kMaxLabel;
    return !label.empty() && !too_long && label.front() != '-' && label.back() != '-';
  }

  // RFC 5321 4.1.3; of the general form only the registered tag, IPv6, is known.
  bool literal(std::string& domain) {
    auto close = text_.find(']');
    if (close == std::string_view::npos) return false;
    std::string inside(text_.substr(1, close - 1));
    domain = text_.substr(0, close + 1);
    text_.remove_prefix(close + 1);
    if (std::ranges::any_of(inside, is_control)) return false;  // inet_pton would stop at a NUL
    std::array<unsigned char, 16> binary;
    if (istarts_with(inside, "IPv6:")) {
      return ::inet_pton(AF_INET6, inside.c_str() + 5, binary.data()) == 1;
    }
    return ::inet_pton(AF_INET, inside.c_str(), binary.data()) == 1;
  }

  std::string_view text_;
};

// A-d-l ":": "@one,@two:"
bool skip_source_route(Reader& reader) {
  std::string ignored;
  do {
    if (!reader.take('@') || !reader.domain(ignored)) return false;
  } while (reader.take(','));
  return reader.take(':');
}

bool read_mailbox(Reader& reader, const PathRules& rules, Address& address) {
  bool local_ok = reader.at('"') ? reader.quoted(address.local) : reader.dot_string(address.local);
  if (!local_ok || address.local.size() > rules.max_local) return false;
  if (reader.take('@')) return reader.domain(address.domain);
  if (address.local.empty()) return false;  // <""> would be the null path
  return rules.bare_local || iequals(address.local, "postmaster");
}

// Octets beyond ASCII must be UTF-8, and a domain's a name that can exist (RFC 6531 3.3).
void finish(Path& path, bool well_formed) {
  const auto& [local, domain] = path.address;
  path.non_ascii = !all_ascii(local) || !all_ascii(domain);
  bool valid = !path.non_ascii || !knows_unicode() ||
               (is_utf8(local) && is_utf8(domain) && to_ascii_domain(domain));
  path.fault = well_formed && valid ? PathFault::kNone : PathFault::kSyntax;
}

}  // namespace

Path parse_path(std::string_view text, const PathRules& rules) {
  Path path;
  Reader reader(text);
  auto well_formed = [&] {
    if (!reader.take('<')) return false;
    if (rules.null_allowed && reader.take('>')) return true;
    if (reader.at('@') && !skip_source_route(reader)) return false;
    return read_mailbox(reader, rules, path.address) && reader.take('>');
  }();
  path.rest = reader.rest();
  auto after = path.rest.empty() || path.rest.front() == ' ';
  auto length = text.size() - path.rest.size();
  finish(path, well_formed && after && length <= kMaxPath);
  return path;
}

Path parse_mailbox(std::string_view text, const PathRules& rules) {
  Path path;
  Reader reader(text);
  bool well_formed = read_mailbox(reader, rules, path.address) && reader.rest().empty();
  finish(path, well_formed);
  return path;
}

}  // namespace handoff::lmtp
