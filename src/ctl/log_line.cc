#include "ctl/log_line.hh"

#include <algorithm>
#include <cctype>
#include <utility>

namespace handoff::ctl {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Returns the number of `digits` hexadecimal digits; -1 if there are others.
int hex_number(std::string_view text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int out = 0;
  for (char c : text.substr(0, digits)) {
    int value = hex_value(c);
    if (value < 0) return -1;
    out = out * 16 + value;
  }
  return out;
}

// Reads a string in quotes from the start of `text`, which it shortens: \" \\ \n \xHH \u00HH.
std::string take_quoted(std::string_view& text) {
  std::string out;
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    char c = text.front();
    text.remove_prefix(1);
    if (c != '\\' || text.empty()) {
      out += c;
      continue;
    }
    char escaped = text.front();
    text.remove_prefix(1);
    std::size_t digits = escaped == 'x' ? 2 : escaped == 'u' ? 4 : 0;
    int number = digits > 0 ? hex_number(text, digits) : -1;
    if (number >= 0) {
      out += static_cast<char>(number);
      text.remove_prefix(digits);
    } else {
      out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
    }
  }
  if (!text.empty()) text.remove_prefix(1);
  return out;
}

std::string take_bare(std::string_view& text, std::string_view ends) {
  auto word = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(word.size());
  return std::string(word);
}

std::optional<LogLine> parse_json(std::string_view text) {
  LogLine out;
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '}') {
    if (text.front() != '"') {
      text.remove_prefix(1);
      continue;
    }
    auto key = take_quoted(text);
    if (text.empty() || text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
    auto value = !text.empty() && text.front() == '"' ? take_quoted(text) : take_bare(text, ",}");
    if (key == "msg") {
      out.message = value;
    } else {
      out.fields[key] = value;
    }
  }
  if (out.fields.empty()) return std::nullopt;
  return out;
}

bool is_key(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
  });
}

}  // namespace

std::string LogLine::field(std::string_view key) const {
  auto found = fields.find(key);
  return found == fields.end() ? std::string() : found->second;
}

bool LogLine::is(std::string_view wanted) const {
  if (!message.ends_with(wanted)) return false;
  return message.size() == wanted.size() || message[message.size() - wanted.size() - 1] == ' ';
}

std::optional<LogLine> parse_log_line(std::string_view line) {
  if (auto brace = line.find('{'); brace != line.npos && line.find("\"msg\":") != line.npos) {
    return parse_json(line.substr(brace));
  }
  LogLine out;
  while (!line.empty()) {
    auto blank = line.find(' ');
    auto equals = line.find('=');
    if (equals < blank && is_key(line.substr(0, equals))) {
      std::string key(line.substr(0, equals));
      line.remove_prefix(equals + 1);
      bool quoted = !line.empty() && line.front() == '"';
      out.fields[key] = quoted ? take_quoted(line) : take_bare(line, " ");
    } else if (out.fields.empty()) {
      out.message += (out.message.empty() ? "" : " ") + take_bare(line, " ");
    } else {
      take_bare(line, " ");
    }
    if (!line.empty()) line.remove_prefix(1);
  }
  if (out.fields.empty()) return std::nullopt;
  return out;
}

}  // namespace handoff::ctl
