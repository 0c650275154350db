#include "sieve/address_list.hh"

#include <algorithm>

#include "base/address.hh"
#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/decode.hh"

namespace handoff::sieve {
namespace {

bool is_folding_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// A character of a word in a display name or local part, also beyond ASCII (RFC 6532 3.2). The dot
// is allowed too, because old software writes it.
bool is_word(char c) { return is_atext(c) || c == '.'; }
bool is_domain(char c) {
  return !is_ascii(c) || is_alpha(c) || is_digit(c) || c == '-' || c == '_';
}

// Reads the tokens of RFC 5322 3.2; comments count as blanks.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) { skip(); }

  bool done() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  std::string_view rest() const { return rest_; }
  void go_to(std::string_view rest) { rest_ = rest; }
  bool take(char c) {
    if (front() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    skip();
    return true;
  }

  // Reads a quoted string and returns its content.
  std::optional<std::string> quoted() {
    if (front() != '"') return std::nullopt;
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        skip();
        return out;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    return std::nullopt;
  }

  template <class Is>
  std::string word(Is is) {
    auto size = static_cast<std::size_t>(std::ranges::find_if_not(rest_, is) - rest_.begin());
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    skip();
    return out;
  }

 private:
  // Skips blanks and comments, which may be nested.
  void skip() {
    std::size_t depth = 0;
    while (!rest_.empty()) {
      char c = rest_.front();
      if (depth == 0 && !is_folding_blank(c) && c != '(') return;
      if (c == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      if (c == '(') ++depth;
      if (c == ')') --depth;
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
};

// Reads a dot-atom or a quoted-string; returns an empty string if there is neither.
std::optional<std::string> local_part(Reader& in) {
  if (in.front() == '"') return in.quoted();
  auto out = in.word(is_word);
  if (out.empty()) return std::nullopt;
  return out;
}

std::optional<std::string> read_domain(Reader& in) {
  if (in.front() == '[') {
    auto end = in.rest().find(']');
    if (end == std::string_view::npos) return std::nullopt;
    std::string out(in.rest().substr(0, end + 1));
    in.go_to(in.rest().substr(end));
    in.take(']');
    return out;
  }
  std::string out;
  do {
    auto label = in.word(is_domain);
    if (label.empty()) return std::nullopt;
    out += (out.empty() ? "" : ".") + label;
  } while (in.take('.'));
  return out;
}

bool addr_spec(Reader& in, Mailbox& out) {
  auto local = local_part(in);
  if (!local || !in.take('@')) return false;
  auto where = read_domain(in);
  if (!where) return false;
  out.local = *local;
  out.domain = *where;
  return true;
}

// "@a,@b:" before an address (RFC 5321 4.1.2, RFC 5322 4.4); false if one begins but is malformed.
bool source_route(Reader& in) {
  if (in.front() != '@') return true;
  while (in.take('@')) {
    if (!read_domain(in)) return false;
    if (in.take(':')) return true;
    if (!in.take(',')) return false;
  }
  return false;
}

bool at_end(const Reader& in) { return in.done() || in.front() == ',' || in.front() == ';'; }

// [display-name] "<" addr-spec ">", or addr-spec.
bool read_mailbox(Reader& in, Mailbox& out) {
  auto start = in.rest();
  if (addr_spec(in, out) && at_end(in)) return true;
  in.go_to(start);
  while (!in.done() && in.front() != '<') {
    auto quoted = in.front() == '"' ? in.quoted() : std::nullopt;
    auto word = quoted ? *quoted : in.word(is_word);
    if (!quoted && word.empty()) return false;
    out.name += (out.name.empty() ? "" : " ") + word;
  }
  if (!in.take('<') || !source_route(in) || !addr_spec(in, out) || !in.take('>')) return false;
  return at_end(in);
}

// Skips the "name:" of a group; if there is none, the reader does not move.
void group_name(Reader& in) {
  auto start = in.rest();
  while (!in.done()) {
    if (in.take(':')) return;
    bool word = in.front() == '"' ? in.quoted().has_value() : !in.word(is_word).empty();
    if (!word) break;
  }
  in.go_to(start);
}

// Skips to the next comma or semicolon outside quotes, and returns what it skipped.
std::string_view skip_invalid(Reader& in) {
  auto start = in.rest();
  bool quoted = false;
  std::size_t size = 0;
  for (; size < start.size(); ++size) {
    char c = start[size];
    if (c == '\\') ++size;
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ',' || c == ';')) break;
  }
  in.go_to(start.substr(std::min(size, start.size())));
  return trim(start.substr(0, size));
}

}  // namespace

std::string Mailbox::address() const {
  if (!valid) return text;
  return Address{local, domain}.text();
}

std::string in_header(const Mailbox& mailbox) {
  auto name = encode_words(mailbox.name);
  bool plain = std::ranges::all_of(name, [](char c) { return is_word(c) || c == ' '; });
  if (!plain) {
    std::string quoted = "\"";
    for (char c : name) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    name = quoted + "\"";
  }
  return (name.empty() ? "" : name + " ") + "<" + mailbox.address() + ">";
}

std::vector<Mailbox> parse_address_list(std::string_view text) {
  std::vector<Mailbox> out;
  Reader in(text);
  while (!in.done()) {
    if (in.take(',') || in.take(';')) continue;
    group_name(in);
    if (in.front() == ';') continue;
    auto start = in.rest();
    Mailbox one;
    if (!read_mailbox(in, one)) {
      one = {};
      one.valid = false;
      in.go_to(start);
      one.text = skip_invalid(in);
      if (one.text.empty()) continue;
    }
    out.push_back(std::move(one));
  }
  if (out.empty() && trim(text).empty()) {
    out.emplace_back();
    out.back().valid = false;
  }
  return out;
}

std::optional<Mailbox> parse_path(std::string_view text) {
  Mailbox out;
  text = trim(text);
  bool bracketed = text.starts_with('<');
  if (bracketed) {
    if (!text.ends_with('>')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
    if (text.empty()) return out;
  } else if (text.empty()) {
    return out;
  }
  Reader in(text);
  if (!source_route(in)) return std::nullopt;
  auto local = local_part(in);
  if (!local) return std::nullopt;
  out.local = *local;
  if (in.done()) return out;
  if (!in.take('@')) return std::nullopt;
  auto where = read_domain(in);
  if (!where || !in.done()) return std::nullopt;
  out.domain = *where;
  return out;
}

std::optional<Mailbox> parse_one_address(std::string_view text) {
  if (text.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
  auto all = parse_address_list(text);
  if (all.size() != 1 || !all.front().valid || !all_ascii(all.front().address()))
    return std::nullopt;
  Reader in(text);
  if (in.front() == ',' || trim(text).ends_with(',') || trim(text).ends_with(';'))
    return std::nullopt;
  return all.front();
}

LocalPart split_local_part(std::string_view local, std::string_view separators) {
  auto at = local.find_first_of(separators);
  if (separators.empty() || at == std::string_view::npos) return {std::string(local), std::nullopt};
  return {std::string(local.substr(0, at)), std::string(local.substr(at + 1))};
}

}  // namespace handoff::sieve
