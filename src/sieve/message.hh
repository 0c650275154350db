// The message that a script tests and edits. Edits affect later tests and actions; the original is
// kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sieve/part.hh"

namespace handoff::sieve {

// The differences between a copy and the original message; null: no difference.
struct Edited {
  std::shared_ptr<const std::string> header;  // replaces the header and the empty line
  std::shared_ptr<const std::string> body;    // replaces everything after them

  bool any() const { return header != nullptr || body != nullptr; }
  // RFC 5293 7: copies in a folder that differ only in their headers count as one.
  bool same_body(const Edited& other) const {
    return body == other.body || (body && other.body && *body == *other.body);
  }
  bool operator==(const Edited&) const = default;
};

// The message that encloses another one (RFC 5703 6).
struct Enclosure {
  std::string text;                                         // of its first part, UTF-8
  std::vector<std::pair<std::string, std::string>> fields;  // its own, unfolded
  std::vector<std::string> copied;  // names of fields that it gets from the enclosed message
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
  // Adds the field at the place of the first one of that name, or at the end. Fields of that name
  // get the name "Original-NAME" (RFC 5703 5).
  void replace_field(std::string_view name, std::string_view value);

  // RFC 5703 5: replaces a part with an entity, header and body. The part loses its children.
  void replace(Part& part, std::string entity);
  // RFC 5703 6: encloses the message, with all other changes, in another one.
  void enclose(Enclosure enclosure);
  // Makes the tree of parts from the changed message. Pointers to parts are invalid afterwards;
  // call root() again. Until then, tests see the parts as they were, and copies have all changes.
  void settle();

  // Returns the differences between a copy that is stored now and the original.
  Edited edited();
  // The same for a copy that is redirected: RFC 5703 6 excludes the message that encloses it.
  Edited edited_for_redirect() { return unenclosed_ ? *unenclosed_ : edited(); }
  std::string_view newline() const { return newline_; }

 private:
  // What a copy consists of; null: as in the original.
  struct Content {
    std::vector<Field> fields;
    bool fields_changed = false;
    std::shared_ptr<const std::string> body;
  };

  void changed();
  // The message with all changes, also those that are not settled.
  Content content();
  void put_replacements(Content& content);
  void put_around(Content& content, const Enclosure& enclosure) const;
  std::string text_of(const Content& content) const;

  std::string_view original_;
  std::size_t original_header_size_ = 0;
  const Limits& limits_;
  std::string_view newline_ = "\r\n";
  Header header_;
  bool header_changed_ = false;
  bool has_body_ = false;
  std::shared_ptr<const std::string> body_;
  // The text of the root after settle(); before that, the root refers to the original.
  std::string settled_;
  std::unique_ptr<Part> root_;
  bool replaced_ = false;              // parts have replacements that are not settled
  std::vector<Enclosure> enclosures_;  // not settled
  std::optional<Edited> unenclosed_;   // the message before the first enclosure
  std::optional<Edited> edited_;       // result of edited(), if nothing has changed since
};

}  // namespace handoff::sieve
