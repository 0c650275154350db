// A query or filter with variables: plain text, and %u, %n, %d (the address, its local part, its
// domain) and %% in it. What an address fills in is never text of the query: it is bound, or
// escaped by whoever sends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/address.hh"
#include "base/result.hh"

namespace handoff::recipients {

struct Template {
  // What stands before, between and behind the variables: one more than there are of these.
  std::vector<std::string> texts;
  std::string variables;  // their letters, in order

  // EINVAL where there is another variable, or none.
  static Result<Template> parse(std::string_view text);
  // What each of them is for `address`, in order.
  std::vector<std::string> values(const Address& address) const;
  // Whether `word` stands in the text, as a name by itself.
  bool has_word(std::string_view word) const;
};

// For a database: EINVAL also where a variable stands in quotes, where it would be text.
Result<Template> parse_query(std::string_view text);

}  // namespace handoff::recipients
