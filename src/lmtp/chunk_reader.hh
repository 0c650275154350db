// The octets of one BDAT chunk (RFC 3030 2): counted, never looked at. The same reader swallows
// the octets of a refused chunk, so that they are never taken for commands.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace handoff::lmtp {

class ChunkReader {
 public:
  void begin(std::uint64_t octets) { left_ = octets; }
  bool done() const { return left_ == 0; }

  // Takes what belongs to the chunk off the front of `input`, uncopied.
  std::string_view next(std::string_view& input) {
    auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
    auto piece = input.substr(0, n);
    input.remove_prefix(n);
    left_ -= n;
    return piece;
  }

 private:
  std::uint64_t left_ = 0;
};

}  // namespace handoff::lmtp
