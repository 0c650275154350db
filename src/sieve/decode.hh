// Converts the encodings of mail to UTF-8: encoded words, transfer encodings, character sets,
// Content-Type. GMime does the work.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace handoff::sieve {

// Returns a header's text with its encoded words decoded (RFC 2047), as UTF-8.
std::string decode_words(std::string_view text);

// Encodes UTF-8 for a header: words that are not ASCII become encoded words.
std::string encode_words(std::string_view text);

// Decodes "base64" and "quoted-printable". A body in any other encoding is returned unchanged.
std::string decode_transfer(std::string_view body, std::string_view encoding);

// Returns the text in UTF-8; nothing if the character set is unknown. Octets that are not a
// character of that set become "?".
std::optional<std::string> to_utf8(std::string_view text, std::string_view charset);

struct ContentType {
  std::string type = "text";
  std::string subtype = "plain";
  std::vector<std::pair<std::string, std::string>> parameters;  // RFC 2231 decoded

  // Empty if there is none.
  std::string parameter(std::string_view name) const;
};
// Parses the value of a Content-Type field. Type and subtype are in lower case.
ContentType parse_content_type(std::string_view value);

// Returns the value and the parameters of a Content-Disposition field or a similar one.
std::pair<std::string, ContentType> parse_disposition(std::string_view value);

// Opens converters for the character sets of mail and keeps them open, so that the C library has
// loaded its modules for them (glibc: gconv) when this process can no longer open files.
void open_converters();

}  // namespace handoff::sieve
