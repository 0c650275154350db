#include "sieve/header.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/decode.hh"

namespace handoff::sieve {

std::string Field::unfolded() const {
  auto value = std::string_view(raw);
  value.remove_prefix(std::min(value.find(':') + 1, value.size()));
  std::string out;
  for (char c : value) {
    if (c != '\r' && c != '\n') out += c;
  }
  return std::string(trim(out));
}

std::string Field::decoded() const {
  auto text = unfolded();
  if (all_ascii(text) && text.find("=?") == std::string::npos) return text;
  return decode_words(text);
}

std::vector<const Field*> Header::find(std::string_view name) const {
  std::vector<const Field*> out;
  for (const auto& field : fields) {
    if (iequals(field.name, name)) out.push_back(&field);
  }
  return out;
}

std::string Header::first(std::string_view name) const {
  for (const auto& field : fields) {
    if (iequals(field.name, name)) return field.decoded();
  }
  return {};
}

bool is_field_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127 && c != ':'; });
}

Header parse_header(std::string_view text) {
  Header out;
  auto whole = text.size();
  while (!text.empty()) {
    auto line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    if (line == "\n" || line == "\r\n") {
      text.remove_prefix(line.size());
      break;
    }
    if ((line.front() == ' ' || line.front() == '\t') && !out.fields.empty()) {
      out.fields.back().raw += line;
    } else {
      auto colon = line.find(':');
      auto name = trim(line.substr(0, colon == std::string_view::npos ? 0 : colon));
      if (is_field_name(name)) out.fields.push_back({std::string(name), std::string(line)});
    }
    text.remove_prefix(line.size());
  }
  out.size = whole - text.size();
  return out;
}

}  // namespace handoff::sieve
