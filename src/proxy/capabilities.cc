#include "proxy/capabilities.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::proxy {
namespace {

struct Row {
  std::string_view keyword;
  bool Capabilities::*member;
};
constexpr Row kKeywords[] = {
    {"PIPELINING", &Capabilities::pipelining},
    {"SIZE", &Capabilities::size},
    {"8BITMIME", &Capabilities::eight_bit},
    {"SMTPUTF8", &Capabilities::utf8},
    {"CHUNKING", &Capabilities::chunking},
    {"BINARYMIME", &Capabilities::binary},
    {"DSN", &Capabilities::dsn},
    {"RRVS", &Capabilities::rrvs},
    {"XHOPS", &Capabilities::hops},
};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

Capabilities Capabilities::parse(std::string_view text) {
  Capabilities out;
  auto lines = split(text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {  // the first line names the server
    auto words = split(lines[i], ' ');
    for (const auto& row : kKeywords) {
      if (iequals(words.front(), row.keyword)) out.*row.member = true;
    }
    if (!iequals(words.front(), "XFORWARD")) continue;
    for (auto word : words) out.forwards.insert(upper(word));
  }
  return out;
}

}  // namespace handoff::proxy
