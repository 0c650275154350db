#include "sys/digest.hh"

#include <xxhash.h>

#include <algorithm>
#include <new>

namespace handoff::sys {
namespace {

XXH3_state_t* typed(void* state) { return static_cast<XXH3_state_t*>(state); }

// Converts the hash to octets that are the same on every machine.
Digest canonical(XXH128_hash_t hash) {
  XXH128_canonical_t octets;
  XXH128_canonicalFromHash(&octets, hash);
  Digest digest;
  std::copy_n(octets.digest, digest.size(), digest.begin());
  return digest;
}

}  // namespace

void Digester::Free::operator()(void* state) const { XXH3_freeState(typed(state)); }

Digester::Digester() : state_(XXH3_createState()) {
  if (!state_ || XXH3_128bits_reset(typed(state_.get())) != XXH_OK) throw std::bad_alloc();
}

// XXH3_128bits_update fails only for a null pointer.
void Digester::add(std::string_view octets) {
  static_cast<void>(XXH3_128bits_update(typed(state_.get()), octets.data(), octets.size()));
}

Digest Digester::finish() const { return canonical(XXH3_128bits_digest(typed(state_.get()))); }

Digest digest_of(std::string_view octets) {
  return canonical(XXH3_128bits(octets.data(), octets.size()));
}

std::string hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (auto octet : digest) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

}  // namespace handoff::sys
