#include "base/utf7.hh"

#include <cstdint>

#include "base/text.hh"

namespace handoff {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

// The character that `text` begins with, taken off.
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

// Base64 of UTF-16, most significant octet first, six bits a letter, without padding.
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

}  // namespace handoff
