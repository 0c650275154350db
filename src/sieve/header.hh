// The fields of a header (RFC 5322 2.2), with the octets that they were read from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handoff::sieve {

struct Field {
  std::string name;  // as written
  std::string raw;   // the whole field, with its line ends

  // Returns the value after the colon, unfolded: without line ends, and without blanks at its start
  // and end.
  std::string unfolded() const;
  // The same with encoded words (RFC 2047) decoded to UTF-8.
  std::string decoded() const;
};

struct Header {
  std::vector<Field> fields;
  std::size_t size = 0;  // octets, including the empty line at its end

  // Returns the fields of that name, in any case.
  std::vector<const Field*> find(std::string_view name) const;
  // Returns the decoded value of the first such field; empty if there is none.
  std::string first(std::string_view name) const;
};

// Reads the header at the start of `text`; lines that belong to no field are not in `fields`.
Header parse_header(std::string_view text);

// RFC 5322 2.2: printable ASCII except colon and blank.
bool is_field_name(std::string_view name);

}  // namespace handoff::sieve
