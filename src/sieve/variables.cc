#include "sieve/variables.hh"

namespace handoff::sieve {

const std::string& Variables::get(std::string_view name, bool global) const {
  static const std::string kEmpty;
  const auto& map = is_global(name, global) ? globals_ : scopes_.back().own;
  auto found = map.find(name);
  return found == map.end() ? kEmpty : found->second;
}

void Variables::set(std::string_view name, bool global, std::string value) {
  if (value.size() > limits_.variable_size) {
    auto end = limits_.variable_size;
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;
    value.resize(end);
  }
  auto& map = is_global(name, global) ? globals_ : scopes_.back().own;
  map.insert_or_assign(std::string(name), std::move(value));
}

void Variables::declare_global(std::string_view name) {
  scopes_.back().global.emplace(name);
  globals_.try_emplace(std::string(name));
}

std::string_view Variables::match(std::size_t index) const {
  return index < match_.size() ? std::string_view(match_[index]) : std::string_view();
}

}  // namespace handoff::sieve
