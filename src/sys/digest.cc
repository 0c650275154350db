#include "sys/digest.hh"

#include <openssl/evp.h>
#include <openssl/opensslv.h>

#include <new>

namespace handoff::sys {
namespace {

EVP_MD_CTX* typed(void* context) { return static_cast<EVP_MD_CTX*>(context); }

// libcrypto fails here only for want of memory.
void require(int result) {
  if (result != 1) throw std::bad_alloc();
}

const EVP_MD* algorithm() {
#if defined(OPENSSL_VERSION_MAJOR) && OPENSSL_VERSION_MAJOR >= 3
  // EVP_sha256() would be looked up anew for each digest (crypto(7), "Performance").
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (fetched != nullptr) return fetched;
#endif
  return EVP_sha256();
}

}  // namespace

void Sha256::Free::operator()(void* context) const { EVP_MD_CTX_free(typed(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ ? EVP_DigestInit_ex(typed(context_.get()), algorithm(), nullptr) : 0);
}

void Sha256::add(std::string_view octets) {
  require(EVP_DigestUpdate(typed(context_.get()), octets.data(), octets.size()));
}

Digest Sha256::finish() {
  Digest digest;
  require(EVP_DigestFinal_ex(typed(context_.get()), digest.data(), nullptr));
  return digest;
}

Digest sha256(std::string_view octets) {
  Sha256 hash;
  hash.add(octets);
  return hash.finish();
}

}  // namespace handoff::sys
