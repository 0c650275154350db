// A query or filter with variables: plain text, %u, %n, %d (the address, its local part, its
// domain) and %%. An address never becomes text of the query: the lookup binds or escapes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/address.hh"
#include "base/result.hh"

namespace handoff::recipients {

struct Template {
  // The text before, between and after the variables: one element more than there are variables.
  std::vector<std::string> texts;
  std::string variables;  // the letters of the variables, in order

  // EINVAL if it contains an unknown variable, or no variable.
  static Result<Template> parse(std::string_view text);
  // Returns the values of the variables for `address`, in order.
  std::vector<std::string> values(const Address& address) const;
  // Returns the text with the values in it, for people: each value enclosed in `quote`, if that is
  // not empty.
  std::string shown(const Address& address, std::string_view quote = {}) const;
  // Returns whether the text contains `word` as a separate name.
  bool has_word(std::string_view word) const;
};

// "WHERE?QUERY": the location of a database, and the query.
struct Database {
  std::string where;
  Template query;

  // EINVAL if a part is missing, or if a variable is in quotes, where a database would not replace
  // it.
  static Result<Database> parse(std::string_view text);
  // Returns the query with "?" for each variable, or with "$1", "$2" if `numbered`.
  std::string prepared(bool numbered = false) const;
};

}  // namespace handoff::recipients
