#include "base/unicode.hh"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.hh"

#ifdef HAVE_IDN
#include <idn2.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>
#endif

namespace handoff {

void append_utf8(std::string& out, std::uint32_t point) {
  auto put = [&](std::uint32_t octet) { out += static_cast<char>(octet); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

#ifdef HAVE_IDN
namespace {

template <class T>
using Allocated = std::unique_ptr<T, decltype(&std::free)>;

// Not std::uint8_t, because libunistring may define its own uint8_t.
const uint8_t* octets(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// Takes ownership of a result of libunistring, which is null only if memory is exhausted.
std::string take(uint8_t* result, std::size_t size) {
  Allocated<uint8_t> owned(result, std::free);
  if (result == nullptr) throw std::bad_alloc();
  return {reinterpret_cast<const char*>(result), size};
}

bool is_label(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(
             label, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

bool knows_unicode() { return true; }

bool is_utf8(std::string_view text) { return u8_check(octets(text), text.size()) == nullptr; }

std::string to_nfc(std::string_view text) {
  if (all_ascii(text)) return std::string(text);
  std::size_t size = 0;
  auto* result = u8_normalize(UNINORM_NFC, octets(text), text.size(), nullptr, &size);
  return take(result, size);
}

std::string fold_case(std::string_view text) {
  if (all_ascii(text)) return lower(text);
  std::size_t size = 0;
  auto* result = u8_casefold(octets(text), text.size(), nullptr, UNINORM_NFC, nullptr, &size);
  return take(result, size);
}

std::optional<std::string> to_ascii_domain(std::string_view domain) {
  if (all_ascii(domain)) return lower(domain);
  std::string zero_ended(domain);
  char* result = nullptr;
  constexpr int kFlags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
  if (idn2_to_ascii_8z(zero_ended.c_str(), &result, kFlags) != IDN2_OK) return std::nullopt;
  std::unique_ptr<char, void (*)(void*)> owned(result, idn2_free);
  // IDNA maps some characters to ASCII that a name must not contain: U+FF20 to '@', U+3000 to a
  // space, U+2100 to "a/c", U+FF0E to a dot that may be the last character.
  if (!all_parts(result, '.', is_label)) return std::nullopt;
  return lower(result);
}

#else

bool knows_unicode() { return false; }
bool is_utf8(std::string_view text) { return all_ascii(text); }
std::string to_nfc(std::string_view text) { return std::string(text); }
std::string fold_case(std::string_view text) { return lower(text); }

std::optional<std::string> to_ascii_domain(std::string_view domain) {
  if (!all_ascii(domain)) return std::nullopt;
  return lower(domain);
}

#endif

}  // namespace handoff
