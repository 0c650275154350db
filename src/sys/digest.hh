// SHA-256 of octets as they pass (OpenSSL's libcrypto).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace handoff::sys {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  void add(std::string_view octets);
  // The digest of all that was added; the object is done with.
  Digest finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

Digest sha256(std::string_view octets);

}  // namespace handoff::sys
