// Digests for finding messages that may be equal: XXH3 with 128 bits, by libxxhash. They are not
// cryptographic: an author can write two messages with the same digest. Equal digests therefore
// prove nothing, and such messages are compared octet by octet.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace handoff::sys {

using Digest = std::array<std::uint8_t, 16>;

// The digest of octets that arrive in pieces. Throws std::bad_alloc.
class Digester {
 public:
  Digester();
  void add(std::string_view octets);
  // Returns the digest of everything that was added.
  Digest finish() const;

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

Digest digest_of(std::string_view octets);
// 32 hexadecimal digits.
std::string hex(const Digest& digest);

}  // namespace handoff::sys
