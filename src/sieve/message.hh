// The message that a script tests and edits. Edits affect later tests and actions; the original is
// kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sieve/part.hh"

namespace handoff::sieve {

// The differences between a copy and the original message; null: no difference.
struct Edited {
  std::shared_ptr<const std::string> header;  // replaces the header and the empty line
  std::shared_ptr<const std::string> body;    // replaces everything after them

  bool any() const { return header != nullptr || body != nullptr; }
  bool operator==(const Edited&) const = default;
};

class Message {
 public:
  // `text` must outlive it.
  Message(std::string_view text, const Limits& limits);

  std::string_view original() const { return original_; }
  // Returns the octets of its header, with the empty line.
  std::size_t original_header_size() const { return original_header_size_; }
  // Returns the size in octets with CRLF line ends, because RFC 5228 5.9 counts the message as
  // transmitted.
  std::size_t size() const;
  // Returns the header with all edits so far.
  const Header& header() const { return header_; }
  std::string_view body() const {
    return body_ ? std::string_view(*body_)
                 : std::string_view(original_).substr(original_header_size_);
  }
  bool has_body() const { return has_body_; }
  // Returns the MIME structure; the header of the root is header().
  Part& root();

  // RFC 5293 4: `value` is unfolded text.
  void add_field(std::string_view name, std::string_view value, bool last);
  void remove_field(const Field* field);
  // Replaces all fields of that name; the new field is in the place of the first one, or at the
  // end.
  void set_field(std::string_view name, std::string_view value);
  // Call after a part was replaced: makes the body from the tree. Pointers to parts are invalid
  // afterwards; call root() again.
  void rebuild();

  // Returns the differences between a copy that is stored now and the original.
  Edited edited();
  // The whole text as it is now.
  std::string text();
  std::string_view newline() const { return newline_; }

 private:
  void changed();

  std::string_view original_;
  std::size_t original_header_size_ = 0;
  const Limits& limits_;
  std::string_view newline_ = "\r\n";
  Header header_;
  bool header_changed_ = false;
  bool has_body_ = false;
  std::shared_ptr<const std::string> header_text_;  // text of header_, if it was requested
  std::shared_ptr<const std::string> body_;
  // The text of the root after rebuild(); before that, the root refers to the original.
  std::string rebuilt_;
  std::unique_ptr<Part> root_;
};

}  // namespace handoff::sieve
