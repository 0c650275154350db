// A short text in shared memory with one writer. A reader may see a mixture of an old and a new
// text, so use it only for people to look at.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace handoff::board {

template <std::size_t kOctets>
class SharedText {
 public:
  // Truncates a text that is too long.
  void set(std::string_view text) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      std::uint64_t word = 0;
      auto part = text.substr(0, sizeof word);
      if (!part.empty()) std::memcpy(&word, part.data(), part.size());  // an empty view may be null
      text.remove_prefix(part.size());
      words_[i].store(word, std::memory_order_relaxed);
    }
  }
  std::string get() const {
    std::string out;
    for (const auto& stored : words_) {
      auto word = stored.load(std::memory_order_relaxed);
      std::array<char, sizeof word> octets;
      std::memcpy(octets.data(), &word, sizeof word);
      for (char c : octets) {
        if (c == 0) return out;
        out += c;
      }
    }
    return out;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kOctets / sizeof(std::uint64_t)> words_;
};

}  // namespace handoff::board
