// Netstrings (cr.yp.to/proto/netstrings.txt): strings of any octets in sequence, each in the form
// "5:hello,". Our processes use them to pass data in a file.
#pragma once

#include <string>
#include <string_view>

namespace handoff {

void add_netstring(std::string& to, std::string_view octets);

// Extracts the netstrings of a text in their order.
class Netstrings {
 public:
  explicit Netstrings(std::string_view all) : rest_(all) {}
  // Returns the next one. If there is none or it is malformed, returns an empty string, and good()
  // is false.
  std::string_view next();
  // Returns whether every next() so far found a netstring.
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace handoff
