// The MIME structure of a message (RFC 2045, RFC 2046) as a tree of parts that refer to its text.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "sieve/decode.hh"
#include "sieve/header.hh"
#include "sieve/limits.hh"

namespace handoff::sieve {

struct Part {
  Header header;
  ContentType type;
  std::string_view text;         // header and body, as in the message
  std::string_view header_text;  // with the empty line after it
  std::string_view body;         // undecoded; without the line end before the next boundary
  bool has_body = false;         // there was an empty line
  std::string_view prologue;     // of a multipart: the text before its first boundary
  std::string_view epilogue;     // and after its last
  std::deque<Part> children;     // of a multipart; for message/rfc822, the one message
  // Replaces `text` (RFC 5703 5); the children are then those of the new text.
  std::optional<std::string> replacement;

  bool multipart() const { return type.type == "multipart"; }
  bool message() const {
    return type.type == "message" && (type.subtype == "rfc822" || type.subtype == "global");
  }
  std::string encoding() const { return header.first("Content-Transfer-Encoding"); }
  // Returns the decoded body; text is converted to UTF-8. Nothing if the encoding is unknown.
  std::optional<std::string> decoded() const;
};

// Returns the tree of `text`, which must outlive it. Parts beyond the limits are not divided
// further.
Part parse_part(std::string_view text, const Limits& limits);

// Returns the text of the part with all replacements in it.
std::string render(const Part& part);

}  // namespace handoff::sieve
