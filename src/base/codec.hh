// Values as octets, for messages between two processes of ours. Both ends pass the same list of
// fields through a codec, so that there is one description for both directions:
//
//   template <class Codec, class R>
//   void pass_request(Codec& codec, R& request) { codec.number(request.size, kAny); ... }
//
// The receiver does not trust the sender: every number and length has a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace handoff {

inline constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

class Encoder {
 public:
  template <class T>
  void number(const T& number, std::uint64_t most) {
    auto value = static_cast<std::uint64_t>(number);
    if (value > most) fits_ = false;
    for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(value >> shift & 0xff);
  }
  // `most`: octets.
  void text(std::string_view value, std::size_t most) {
    number(value.size(), most);
    out_ += value;
  }
  void flag(bool value) { number(value ? 1 : 0, 1); }

  // Returns whether no value has exceeded its limit.
  bool fits() const { return fits_; }
  std::size_t size() const { return out_.size(); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool fits_ = true;
};

class Decoder {
 public:
  explicit Decoder(std::string_view octets) : octets_(octets) {}

  template <class T>
  void number(T& value, std::uint64_t most) {
    std::uint64_t sum = 0;
    if (octets_.size() < 8) return fail();
    for (std::size_t i = 0; i < 8; ++i) {
      sum |= std::uint64_t{static_cast<unsigned char>(octets_[i])} << (8 * i);
    }
    octets_.remove_prefix(8);
    if (sum > most) return fail();
    value = static_cast<T>(sum);
  }
  void text(std::string& value, std::size_t most) {
    std::size_t size = 0;
    number(size, most);
    if (!good_ || size > octets_.size()) return fail();
    value = octets_.substr(0, size);
    octets_.remove_prefix(size);
  }
  void flag(bool& value) { number(value, 1); }

  // Returns whether all octets were read and nothing was malformed.
  bool good() const { return good_ && octets_.empty(); }

 private:
  void fail() {
    good_ = false;
    octets_ = {};
  }
  std::string_view octets_;
  bool good_ = true;
};

// `Value` is const when encoding.
template <class Codec, class Value, class Pass>
void pass_optional(Codec& codec, Value& value, Pass pass) {
  bool there = value.has_value();
  codec.flag(there);
  if constexpr (std::is_same_v<Codec, Decoder>) {
    if (there) value.emplace();
  }
  if (there) pass(*value);
}

template <class Codec, class List, class Pass>
void pass_list(Codec& codec, List& list, std::size_t most, Pass pass) {
  auto size = list.size();
  codec.number(size, most);
  if constexpr (std::is_same_v<Codec, Decoder>) list.resize(size <= most ? size : 0);
  for (auto& element : list) pass(element);
}

}  // namespace handoff
