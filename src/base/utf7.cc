#include "base/utf7.hh"

#include <cstdint>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

// Removes the first character of `text` and returns it.
char32_t take_character(std::string_view& text) {
  auto first = static_cast<unsigned char>(text.front());
  std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  char32_t character = length == 1 ? first : first & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i) {
    character = character << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  text.remove_prefix(std::min(length, text.size()));
  return character;
}

// Writes base64 of UTF-16 in big-endian order, without padding.
class Shifted {
 public:
  explicit Shifted(std::string& out) : out_(out) { out_ += '&'; }

  void add(char32_t character) {
    if (character >= 0x10000) {
      add_unit(0xd800 + ((character - 0x10000) >> 10));
      add_unit(0xdc00 + ((character - 0x10000) & 0x3ff));
    } else {
      add_unit(character);
    }
  }

  void end() {
    if (bits_ > 0) out_ += kAlphabet[held_ << (6 - bits_) & 0x3f];
    out_ += '-';
  }

 private:
  void add_unit(std::uint32_t unit) {
    held_ = held_ << 16 | unit;
    for (bits_ += 16; bits_ >= 6; bits_ -= 6) out_ += kAlphabet[held_ >> (bits_ - 6) & 0x3f];
    held_ &= (1u << bits_) - 1;
  }

  std::string& out_;
  std::uint32_t held_ = 0;
  unsigned bits_ = 0;
};

// Decodes the text between "&" and "-". Malformed text yields characters that encode differently,
// so that the caller notices.
void append_shifted(std::string& out, std::string_view letters) {
  std::uint32_t held = 0, high = 0;
  unsigned bits = 0;
  for (char letter : letters) {
    held = held << 6 | static_cast<std::uint32_t>(std::string_view(kAlphabet).find(letter) & 0x3f);
    bits += 6;
    if (bits < 16) continue;
    bits -= 16;
    auto unit = held >> bits & 0xffff;
    held &= (1u << bits) - 1;
    if ((unit & 0xfc00) == 0xd800) {
      high = unit;
    } else if ((unit & 0xfc00) == 0xdc00) {
      append_utf8(out, 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));
    } else {
      append_utf8(out, unit);
    }
  }
}

}  // namespace

std::string to_imap_utf7(std::string_view text) {
  std::string out;
  auto is_plain = [](char c) { return is_ascii(c) && !is_control(c); };
  while (!text.empty()) {
    if (is_plain(text.front())) {
      out += text.front() == '&' ? "&-" : std::string(1, text.front());
      text.remove_prefix(1);
      continue;
    }
    Shifted shifted(out);
    while (!text.empty() && !is_plain(text.front())) shifted.add(take_character(text));
    shifted.end();
  }
  return out;
}

std::optional<std::string> from_imap_utf7(std::string_view name) {
  std::string out;
  for (auto rest = name; !rest.empty();) {
    auto shift = std::min(rest.find('&'), rest.size());
    out += rest.substr(0, shift);
    rest.remove_prefix(shift);
    if (rest.empty()) break;
    auto end = rest.find('-');
    if (end == std::string_view::npos) return std::nullopt;
    if (end == 1) out += '&';
    append_shifted(out, rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
  if (to_imap_utf7(out) != name) return std::nullopt;
  return out;
}

}  // namespace handoff
