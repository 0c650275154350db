// The variables of a run (RFC 5229): those of each script, those that scripts share (RFC 6609 3.4),
// and the values of the last match.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/limits.hh"

namespace handoff::sieve {

class Variables {
 public:
  explicit Variables(const Limits& limits) : limits_(limits), scopes_(1) {}

  // Empty if it was never set. The name is in lower case.
  const std::string& get(std::string_view name, bool global) const;
  // A value that is too long is truncated at a character boundary.
  void set(std::string_view name, bool global, std::string value);
  // From now on, the name denotes a shared variable in the current script.
  void declare_global(std::string_view name);

  // Begins an included script, which has its own variables.
  void enter() { scopes_.emplace_back(); }
  void leave() { scopes_.pop_back(); }

  void set_match(std::vector<std::string> values) { match_ = std::move(values); }
  std::string_view match(std::size_t index) const;

 private:
  using Map = std::map<std::string, std::string, std::less<>>;
  struct Scope {
    Map own;
    std::set<std::string, std::less<>> global;
  };
  bool is_global(std::string_view name, bool global) const {
    return global || scopes_.back().global.contains(name);
  }

  const Limits& limits_;
  std::vector<Scope> scopes_;
  Map globals_;
  std::vector<std::string> match_;
};

}  // namespace handoff::sieve
