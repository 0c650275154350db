#include "sieve/message.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/decode.hh"
#include "sieve/outgoing.hh"

namespace handoff::sieve {
namespace {

// RFC 5322 2.1.1.
constexpr std::size_t kFoldAt = 78;

// Returns the size in octets if each bare line feed counts as two.
std::size_t wire_size(std::string_view text) {
  std::size_t out = text.size();
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') ++out;
  }
  return out;
}

// Returns whether the field describes the way of the message, and stays with it.
bool is_trace(std::string_view name) {
  static constexpr std::string_view kTrace[] = {"Return-Path",    "Received",
                                                "Delivered-To",   "X-Original-To",
                                                "Auto-Submitted", "X-Sieve-Redirected-From"};
  return std::ranges::any_of(kTrace, [&](std::string_view t) { return iequals(t, name); });
}

// Returns whether the field describes the body.
bool is_about_content(std::string_view name) {
  return istarts_with(name, "Content-") || iequals(name, "MIME-Version");
}

bool has_field(const std::vector<Field>& fields, std::string_view name) {
  return std::ranges::any_of(fields, [&](const Field& f) { return iequals(f.name, name); });
}

// Returns "Name: value", folded at blanks.
std::string fold_field(std::string_view name, std::string_view value, std::string_view newline) {
  std::string out = std::string(name) + ": ";
  std::size_t line = out.size();
  while (!value.empty()) {
    auto end = value.find_first_of(" \t", 1);
    auto word = value.substr(0, end);
    if (line + word.size() > kFoldAt && (word.front() == ' ' || word.front() == '\t') &&
        line > name.size() + 2) {
      out += newline;
      line = 0;
    }
    out += word;
    line += word.size();
    value.remove_prefix(word.size());
  }
  return out.append(newline);
}

}  // namespace

Message::Message(std::string_view text, const Limits& limits) : original_(text), limits_(limits) {
  header_ = parse_header(text);
  original_header_size_ = header_.size;
  auto end = text.find('\n');
  if (end != std::string_view::npos && (end == 0 || text[end - 1] != '\r')) newline_ = "\n";
  auto head = text.substr(0, header_.size);
  has_body_ = head == "\n" || head == "\r\n" || head.ends_with("\n\n") || head.ends_with("\n\r\n");
}

std::size_t Message::size() const {
  if (!header_changed_ && !body_) return wire_size(original_);
  std::size_t out = 2 + wire_size(body());
  for (const auto& field : header_.fields) out += wire_size(field.raw);
  return out;
}

Part& Message::root() {
  if (!root_) {
    root_ = std::make_unique<Part>(
        parse_part(settled_.empty() ? original_ : std::string_view(settled_), limits_));
    root_->header = header_;
  }
  return *root_;
}

void Message::add_field(std::string_view name, std::string_view value, bool last) {
  Field field{std::string(name), fold_field(name, encode_words(value), newline_)};
  auto& fields = header_.fields;
  if (last) {
    // Without a line end on the last line, the new field would become part of it.
    if (!fields.empty() && !fields.back().raw.ends_with('\n')) fields.back().raw += newline_;
    fields.push_back(std::move(field));
  } else {
    fields.insert(fields.begin(), std::move(field));
  }
  changed();
}

void Message::remove_field(const Field* field) {
  header_.fields.erase(header_.fields.begin() + (field - header_.fields.data()));
  changed();
}

void Message::replace_field(std::string_view name, std::string_view value) {
  Field field{std::string(name), fold_field(name, encode_words(value), newline_)};
  auto& fields = header_.fields;
  auto first = std::ranges::find_if(fields, [&](const Field& f) { return iequals(f.name, name); });
  for (auto it = first; it != fields.end(); ++it) {
    if (!iequals(it->name, name)) continue;
    it->raw.replace(0, it->raw.find(':'), "Original-" + std::string(name));
    it->name = "Original-" + std::string(name);
  }
  if (first == fields.end()) return add_field(name, value, true);
  fields.insert(first, std::move(field));
  changed();
}

void Message::changed() {
  header_changed_ = true;
  edited_.reset();
  if (root_) root_->header = header_;
}

void Message::replace(Part& part, std::string entity) {
  part.replacement = std::move(entity);
  part.children.clear();
  replaced_ = true;
  edited_.reset();
}

void Message::enclose(Enclosure enclosure) {
  if (!unenclosed_) unenclosed_ = edited();
  enclosures_.push_back(std::move(enclosure));
  edited_.reset();
}

void Message::settle() {
  if (!replaced_ && enclosures_.empty()) return;
  auto now = content();
  settled_ = text_of(now);
  header_.fields = std::move(now.fields);
  header_changed_ = now.fields_changed;
  body_ = std::move(now.body);
  has_body_ = true;
  replaced_ = false;
  enclosures_.clear();
  edited_.reset();
  root_.reset();
}

Message::Content Message::content() {
  Content out{header_.fields, header_changed_, body_};
  if (replaced_) put_replacements(out);
  for (const auto& enclosure : enclosures_) put_around(out, enclosure);
  return out;
}

void Message::put_replacements(Content& content) {
  auto text = render(root());
  auto header = parse_header(text);
  // The replacement of the root has its own fields about the content; the other fields stay (RFC
  // 5703 5).
  if (root().replacement) {
    auto& fields = content.fields;
    std::erase_if(fields, [](const Field& f) { return is_about_content(f.name); });
    auto kept = fields;
    for (auto& field : header.fields) {
      if (is_about_content(field.name) || !has_field(kept, field.name)) fields.push_back(field);
    }
    content.fields_changed = true;
  }
  content.body = std::make_shared<const std::string>(text.substr(header.size));
}

void Message::put_around(Content& content, const Enclosure& enclosure) const {
  auto inner = text_of(content);
  // RFC 2046 5.1.1: the boundary must not occur in any of the parts.
  std::string boundary = "handoff-enclose";
  while (inner.find("--" + boundary) != std::string::npos ||
         enclosure.text.find("--" + boundary) != std::string::npos)
    boundary += "-x";
  auto in_newlines = [&](std::string text) {
    if (newline_ == "\n") std::erase(text, '\r');
    return text;
  };
  auto body = in_newlines("--" + boundary + "\r\n" + text_entity(enclosure.text) + "\r\n--" +
                          boundary + "\r\nContent-Type: message/rfc822\r\n\r\n") +
              inner + in_newlines("\r\n--" + boundary + "--\r\n");
  auto is_copied = [&](const Field& field) {
    return is_trace(field.name) || std::ranges::any_of(enclosure.copied, [&](const auto& name) {
             return iequals(name, field.name);
           });
  };
  std::erase_if(content.fields, [&](const Field& field) {
    return !is_copied(field) || is_about_content(field.name);
  });
  auto add = [&](std::string_view name, std::string_view value) {
    content.fields.push_back({std::string(name), fold_field(name, value, newline_)});
  };
  for (const auto& [name, value] : enclosure.fields) {
    if (!has_field(content.fields, name)) add(name, value);
  }
  add("MIME-Version", "1.0");
  add("Content-Type", "multipart/mixed; boundary=\"" + boundary + "\"");
  if (!all_ascii(body)) add("Content-Transfer-Encoding", "8bit");  // RFC 2045 6.4
  content.fields_changed = true;
  content.body = std::make_shared<const std::string>(std::move(body));
}

std::string Message::text_of(const Content& content) const {
  std::string text;
  if (content.fields_changed) {
    for (const auto& field : content.fields) text += field.raw;
    text += newline_;
  } else {
    text = original_.substr(0, original_header_size_);
  }
  return text.append(content.body ? std::string_view(*content.body)
                                  : original_.substr(original_header_size_));
}

Edited Message::edited() {
  if (!header_changed_ && !body_ && !replaced_ && enclosures_.empty()) return {};
  if (edited_) return *edited_;
  Edited out;
  auto now = content();
  if (now.fields_changed) {
    std::string text;
    for (const auto& field : now.fields) text += field.raw;
    out.header = std::make_shared<const std::string>(text.append(newline_));
  }
  out.body = std::move(now.body);
  edited_ = out;
  return out;
}

}  // namespace handoff::sieve
