#include "sieve/message.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/decode.hh"

namespace handoff::sieve {
namespace {

// RFC 5322 2.1.1.
constexpr std::size_t kFoldAt = 78;

// Returns the size in octets if each bare line feed counts as two.
std::size_t wire_size(std::string_view text) {
  std::size_t out = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) ++out;
  }
  return out;
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
        parse_part(rebuilt_.empty() ? original_ : std::string_view(rebuilt_), limits_));
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

void Message::set_field(std::string_view name, std::string_view value) {
  auto found = header_.find(name);
  if (found.empty()) return add_field(name, value, true);
  auto at = found.front() - header_.fields.data();
  Field field{std::string(name), fold_field(name, encode_words(value), newline_)};
  std::erase_if(header_.fields, [&](const Field& f) { return iequals(f.name, name); });
  header_.fields.insert(header_.fields.begin() + at, std::move(field));
  changed();
}

void Message::changed() {
  header_changed_ = true;
  header_text_.reset();
  if (root_) root_->header = header_;
}

void Message::rebuild() {
  auto text = render(root());
  auto header = parse_header(text);
  // The replacement of the root has its own fields about the content; the other fields stay (RFC
  // 5703 6).
  if (root().replacement) {
    std::erase_if(header_.fields, [](const Field& f) {
      return istarts_with(f.name, "Content-") || iequals(f.name, "MIME-Version");
    });
    for (auto& field : header.fields) {
      if (istarts_with(field.name, "Content-") || iequals(field.name, "MIME-Version") ||
          header_.find(field.name).empty()) {
        header_.fields.push_back(field);
      }
    }
    changed();
  }
  body_ = std::make_shared<const std::string>(text.substr(header.size));
  has_body_ = true;
  std::string whole;
  for (const auto& field : header_.fields) whole += field.raw;
  rebuilt_ = whole.append(newline_).append(*body_);
  root_.reset();
}

Edited Message::edited() {
  if (header_changed_ && !header_text_) {
    std::string text;
    for (const auto& field : header_.fields) text += field.raw;
    header_text_ = std::make_shared<const std::string>(text.append(newline_));
  }
  return {header_changed_ ? header_text_ : nullptr, body_};
}

std::string Message::text() {
  auto changes = edited();
  auto out =
      changes.header ? *changes.header : std::string(original_.substr(0, original_header_size_));
  return out.append(body());
}

}  // namespace handoff::sieve
