#include "lmtp/path.hh"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff::lmtp {
namespace {

constexpr std::size_t kMaxDomain = 255;  // RFC 5321 4.5.3.1.2, octets
constexpr std::size_t kMaxLabel = 63;    // RFC 1035 2.3.4

// RFC 5322 2.1.1: the longest line of a header, without "Return-Path: <>".
constexpr std::size_t kMaxInHeader = 998 - 15;

// A cursor over the text. Each method consumes the grammar element of its name, or returns false.
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

  // Dot-string, but with dots anywhere: such addresses exist, as some mobile phone providers
  // assigned them.
  bool atoms_and_dots(std::string& local) {
    auto end = std::ranges::find_if(text_, [](char c) { return c != '.' && !is_atext(c); });
    local = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(local.size());
    return !local.empty();
  }

  bool domain(std::string& domain, bool any_labels = false) {
    if (at('[')) return literal(domain);
    auto end = std::ranges::find_if(text_, [](char c) {
      return !is_alpha(c) && !is_digit(c) && is_ascii(c) && c != '-' && c != '.' && c != '_';
    });
    domain = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(domain.size());
    if (!any_labels && domain.size() > kMaxDomain) return false;
    return all_parts(domain, '.', [&](std::string_view label) {
      return !label.empty() && (any_labels || is_label(label));
    });
  }

 private:
  // RFC 5321 does not allow underscores, but existing names have them.
  static bool is_label(std::string_view label) {
    // The limit for a U-label is that of its A-label, which to_ascii_domain() checks.
    bool too_long = all_ascii(label) && label.size() > kMaxLabel;
    return !too_long && label.front() != '-' && label.back() != '-';
  }

  // RFC 5321 4.1.3. IPv6 is the only registered tag of the general form.
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

// A-d-l ":": "@one,@two:". Nobody uses these names, so they need not be valid.
bool skip_source_route(Reader& reader) {
  std::string ignored;
  do {
    if (!reader.take('@') || !reader.domain(ignored, true)) return false;
  } while (reader.take(','));
  return reader.take(':');
}

bool read_mailbox(Reader& reader, const PathRules& rules, Address& address) {
  bool quoted = reader.at('"');
  if (!(quoted ? reader.quoted(address.local) : reader.atoms_and_dots(address.local))) return false;
  if (reader.take('@')) return reader.domain(address.domain, rules.any_labels);
  if (address.local.empty()) return false;  // <""> would be the null path
  return rules.bare_local || iequals(address.local, "postmaster");
}

// Checks that non-ASCII octets are UTF-8, and that the domain is a valid name (RFC 6531 3.3).
void finish(Path& path, bool well_formed) {
  const auto& [local, domain] = path.address;
  path.non_ascii = !all_ascii(local) || !all_ascii(domain);
  bool valid = !path.non_ascii || !knows_unicode() ||
               (is_utf8(local) && is_utf8(domain) && to_ascii_domain(domain));
  path.fault = well_formed && valid ? PathFault::kNone : PathFault::kSyntax;
}

// Returns the offset of the first octet of `any` outside quoted strings, starting at `at`, or npos.
// If a quote is not closed, quotes count as ordinary characters.
std::size_t find_unquoted(std::string_view text, std::string_view any, std::size_t at) {
  bool quoted = false;
  for (auto i = at; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && any.find(text[i]) != any.npos) {
      return i;
    }
  }
  return quoted ? text.find_first_of(any, at) : text.npos;
}

// Returns the local part that `text` denotes: words with dots between them, of which some may be
// quoted strings (RFC 5322 4.4, obsolete syntax). Other quotes are ordinary characters: a"b" is
// another name than ab.
std::string unquoted(std::string_view text) {
  std::string out;
  auto rest = text;
  for (;;) {
    if (rest.starts_with('"')) {
      auto end = find_unquoted(rest, ".", 0);
      auto word = rest.substr(0, end);
      Reader reader(word);
      if (!reader.quoted(out) || !reader.rest().empty()) return std::string(text);
    } else {
      auto word = rest.substr(0, rest.find('.'));
      if (word.find('"') != word.npos) return std::string(text);
      out += word;
    }
    auto dot = find_unquoted(rest, ".", 0);
    if (dot == rest.npos) return out;
    out += '.';
    rest.remove_prefix(dot + 1);
  }
}

// Returns whether `text` can be written to a header: valid UTF-8 without characters that some
// readers treat as line ends (C1 controls, U+2028, U+2029).
bool is_header_text(std::string_view text) {
  return text.size() <= kMaxInHeader && is_printable_utf8(text) &&
         text.find("\xe2\x80\xa8") == text.npos && text.find("\xe2\x80\xa9") == text.npos;
}

Sender sender_of(std::string_view inside) {
  inside = trim(inside);
  if (inside.empty()) return {};
  constexpr PathRules kRules{.bare_local = true};
  auto strict = parse_path("<" + std::string(inside) + ">", kRules);
  if (strict.fault != PathFault::kNone) {
    // The last unquoted '@' separates the domain.
    auto at = inside.npos;
    for (auto next = find_unquoted(inside, "@", 0); next != inside.npos;
         next = find_unquoted(inside, "@", next + 1)) {
      at = next;
    }
    strict.address = {unquoted(inside.substr(0, at)),
                      std::string(at == inside.npos ? "" : inside.substr(at + 1))};
    bool no_domain = at != inside.npos && strict.address.domain.empty();  // "a@"
    if (!no_domain) strict = parse_path(strict.address.bracketed(), kRules);
  }
  bool valid = strict.fault == PathFault::kNone;
  auto text = valid ? strict.address.text() : std::string(inside);
  bool in_header = is_header_text(text) && (valid || text.find_first_of("<>") == text.npos);
  return {std::move(text), valid, in_header};
}

// Without angle brackets an address ends at the first space. A word that could be a parameter is
// not an address.
std::size_t end_of_bare_address(std::string_view text) {
  auto end = std::min(find_unquoted(text, " \t", 0), text.size());
  auto word = text.substr(0, end);
  bool parameter = word.find('=') != word.npos && word.find('@') == word.npos;
  return parameter || word.find_first_of("<>") != word.npos ? 0 : end;
}

// Parameters follow after a space. RFC 5321 has one space, and nothing else may follow a path.
bool begins_parameters(std::string_view text) { return text.empty() || text.front() == ' '; }

}  // namespace

std::size_t path_length(std::string_view text) {
  if (!text.starts_with('<')) return 0;
  auto end = find_unquoted(text, ">", 1);
  return end == text.npos ? 0 : end + 1;
}

Path parse_path(std::string_view text, const PathRules& rules) {
  if (rules.brackets_optional && !text.starts_with('<')) {
    auto end = end_of_bare_address(text);
    auto path = parse_mailbox(text.substr(0, end), rules);
    path.rest = text.substr(end);
    if (!begins_parameters(path.rest)) path.fault = PathFault::kSyntax;
    return path;
  }
  Path path;
  Reader reader(text);
  auto well_formed = [&] {
    if (!reader.take('<')) return false;
    if (reader.at('@') && !skip_source_route(reader)) return false;
    return read_mailbox(reader, rules, path.address) && reader.take('>');
  }();
  path.rest = reader.rest();
  finish(path, well_formed && begins_parameters(path.rest));
  return path;
}

Path parse_mailbox(std::string_view text, const PathRules& rules) {
  Path path;
  Reader reader(text);
  bool well_formed = read_mailbox(reader, rules, path.address) && reader.rest().empty();
  finish(path, well_formed);
  return path;
}

std::optional<SenderPath> parse_sender(std::string_view text, bool brackets_optional) {
  std::string_view inside;
  std::string_view rest;
  if (auto length = path_length(text); length > 0) {
    inside = text.substr(1, length - 2);
    rest = text.substr(length);
  } else if (brackets_optional && !text.starts_with('<')) {
    auto end = end_of_bare_address(text);
    if (end == 0) return std::nullopt;
    inside = text.substr(0, end);
    rest = text.substr(end);
  } else {
    return std::nullopt;
  }
  // With an unclosed quote and a second '>', the path could end at either '>'.
  bool unclear = rest.find('>') != rest.npos && std::ranges::count(inside, '"') % 2 != 0;
  if (unclear || !begins_parameters(rest) || std::ranges::any_of(inside, is_control)) {
    return std::nullopt;
  }
  return SenderPath{sender_of(inside), rest};
}

}  // namespace handoff::lmtp
