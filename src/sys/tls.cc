#include "sys/tls.hh"

#include <cerrno>

#ifdef HAVE_OPENSSL

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <array>
#include <new>

#include "sys/fd.hh"

namespace handoff::sys {
namespace {

struct Free {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(STACK_OF(X509_INFO) * p) const { sk_X509_INFO_pop_free(p, X509_INFO_free); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// OpenSSL's last error; clears its list of errors.
std::string last_fault() {
  auto code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "";
}

Error setting_error(const char* setting, const std::string& path, int code = EINVAL) {
  auto why = last_fault();
  return explained(code, std::string(setting) + (why.empty() ? "" : " (" + why + ")"), path);
}

constexpr std::size_t kMostOctets = 4 << 20;  // of a file
constexpr std::size_t kUsualOctets = 64 << 10;

// Reads into the string itself: a copy of the key elsewhere would be in the memory of all
// processes.
Result<std::string> read(const char* setting, const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error{errno, setting, path};
  std::string out(kUsualOctets, '\0');
  for (std::size_t size = 0;;) {
    if (size == out.size()) out.resize(2 * size);
    if (size > kMostOctets) return Error{EFBIG, setting, path};
    auto n = ::read(file.get(), out.data() + size, out.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{errno, setting, path};
    size += static_cast<std::size_t>(n);
    if (n == 0) {
      out.resize(size);
      return out;
    }
  }
}

// Refuses a key with a passphrase instead of asking for it on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

Owned<BIO> octets_of(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The server's own certificate and its chain, in their order.
bool use_certificates(SSL_CTX* context, const std::string& text) {
  auto bio = octets_of(text);
  bool own = true;
  for (;; own = false) {
    Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!certificate) break;
    bool used = own ? SSL_CTX_use_certificate(context, certificate.get()) == 1
                    : SSL_CTX_add1_chain_cert(context, certificate.get()) == 1;
    if (!used) return false;
  }
  // "No start line" is the normal end of the list; any other error is an unreadable certificate.
  bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (own || !at_end) return false;
  ERR_clear_error();
  return true;
}

bool use_key(SSL_CTX* context, const std::string& text) {
  auto bio = octets_of(text);
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  // Also checks that the key belongs to the certificate.
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

// The CAs for certificates of clients, with their revocation lists.
bool trust(SSL_CTX* context, const std::string& text) {
  auto bio = octets_of(text);
  Owned<STACK_OF(X509_INFO)> all(
      PEM_X509_INFO_read_bio(bio.get(), nullptr, no_passphrase, nullptr));
  auto* store = SSL_CTX_get_cert_store(context);
  int certificates = 0;
  for (int i = 0; all && i < sk_X509_INFO_num(all.get()); ++i) {
    const auto* info = sk_X509_INFO_value(all.get(), i);
    if (info->x509 != nullptr) {
      if (X509_STORE_add_cert(store, info->x509) != 1) return false;
      if (SSL_CTX_add_client_CA(context, info->x509) != 1) return false;
      ++certificates;
    }
    if (info->crl != nullptr && X509_STORE_add_crl(store, info->crl) != 1) return false;
  }
  return certificates > 0;
}

// Returns the index of the session's data that records that the client's certificate was not
// verified.
int unverified_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// A certificate that client_ca did not sign gives no trust, but the client is not refused, because
// it may use that certificate for other servers.
int note_verification(int ok, X509_STORE_CTX* store) {
  if (ok == 0) {
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    static char unverified;
    SSL_set_ex_data(ssl, unverified_index(), &unverified);
  }
  return 1;
}

// Returns the common name, or the whole subject in the form of RFC 2253.
std::string name_of(const X509* certificate) {
  auto* subject = X509_get_subject_name(certificate);
  std::array<char, 256> common{};
  int size = X509_NAME_get_text_by_NID(subject, NID_commonName, common.data(), common.size());
  // A NUL inside would make it look like another name.
  if (size > 0 && std::string_view(common.data()).size() == static_cast<std::size_t>(size)) {
    return common.data();
  }
  Owned<BIO> text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), subject, 0, XN_FLAG_RFC2253);
  char* octets = nullptr;
  auto length = BIO_get_mem_data(text.get(), &octets);
  return length > 0 ? std::string(octets, static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

struct TlsContext::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  // Erases the key from memory, as OpenSSL does with its own copy.
  ~State() {
    for (auto* file : {&files.certificate, &files.key}) {
      OPENSSL_cleanse(file->data(), file->size());
    }
  }

  Owned<SSL_CTX> context;
  TlsFiles files;
};

const TlsFiles& TlsContext::files() const { return state_->files; }

Result<TlsContext> TlsContext::load(const TlsOptions& options) {
  auto certificate = read("tls.certificate", options.certificate);
  if (!certificate) return certificate.error();
  auto key = options.key.empty() ? certificate : read("tls.key", options.key);
  if (!key) return key.error();
  auto client_ca = options.client_ca.empty() ? Result<std::string>(std::string())
                                             : read("tls.client-ca", options.client_ca);
  if (!client_ca) return client_ca.error();
  return make(options, {std::move(certificate).value(), std::move(key).value(),
                        std::move(client_ca).value()});
}

Result<TlsContext> TlsContext::make(const TlsOptions& options, TlsFiles files) {
  ERR_clear_error();
  auto state = std::make_shared<State>();
  state->context.reset(SSL_CTX_new(TLS_server_method()));
  auto* context = state->context.get();
  if (context == nullptr) return setting_error("TLS", "", ENOMEM);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_min_proto_version(context, options.only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // No resumption: connections are few and long, and workers would have to share its state.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_dh_auto(context, 1);

  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    return setting_error("tls.ciphers", options.ciphers);
  }
  if (!use_certificates(context, files.certificate)) {
    return setting_error("tls.certificate", options.certificate);
  }
  if (!use_key(context, files.key)) {
    return setting_error("tls.key", options.key.empty() ? options.certificate : options.key);
  }
  if (!options.client_ca.empty()) {
    if (!trust(context, files.client_ca)) {
      return setting_error("tls.client-ca", options.client_ca);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verification);
  }
  state->files = std::move(files);
  return TlsContext(std::move(state));
}

struct TlsSession::Parts {
  // Keeps the context alive if it is loaded again meanwhile.
  std::shared_ptr<const TlsContext::State> state;
  Owned<SSL> ssl;
  BIO* in = nullptr;   // of ssl
  BIO* out = nullptr;  // of ssl
};

TlsSession::TlsSession(const TlsContext& context) : parts_(std::make_unique<Parts>()) {
  parts_->state = context.state_;
  parts_->ssl.reset(SSL_new(context.state_->context.get()));
  parts_->in = BIO_new(BIO_s_mem());
  parts_->out = BIO_new(BIO_s_mem());
  if (!parts_->ssl || parts_->in == nullptr || parts_->out == nullptr) throw std::bad_alloc();
  SSL_set_bio(parts_->ssl.get(), parts_->in, parts_->out);
  SSL_set_accept_state(parts_->ssl.get());
}

TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

TlsSession::Step TlsSession::step_of(int result) {
  switch (SSL_get_error(parts_->ssl.get(), result)) {
    case SSL_ERROR_NONE:
      return Step::kDone;
    case SSL_ERROR_WANT_READ:
      return Step::kNeedInput;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnded;
    default:
      fault_ = last_fault();
      return Step::kBroken;
  }
}

TlsSession::Step TlsSession::shake_hands() {
  ERR_clear_error();
  return step_of(SSL_do_handshake(parts_->ssl.get()));
}

TlsSession::Read TlsSession::read(char* buffer, std::size_t size) {
  ERR_clear_error();
  std::size_t got = 0;
  int result = SSL_read_ex(parts_->ssl.get(), buffer, size, &got);
  if (result == 1) return {Step::kDone, got};
  return {step_of(result), 0};
}

bool TlsSession::write(std::string_view octets) {
  ERR_clear_error();
  if (octets.empty()) return true;
  // A memory BIO takes everything.
  std::size_t taken = 0;
  int result = SSL_write_ex(parts_->ssl.get(), octets.data(), octets.size(), &taken);
  return result == 1 ? taken == octets.size() : step_of(result) == Step::kDone;
}

void TlsSession::end() {
  ERR_clear_error();
  SSL_shutdown(parts_->ssl.get());
  ERR_clear_error();
}

void TlsSession::feed(std::string_view octets) {
  BIO_write(parts_->in, octets.data(), static_cast<int>(octets.size()));
}

std::string TlsSession::take_output() {
  std::string out(BIO_ctrl_pending(parts_->out), '\0');
  int size = BIO_read(parts_->out, out.data(), static_cast<int>(out.size()));
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return out;
}

TlsFacts TlsSession::facts() const {
  auto* ssl = parts_->ssl.get();
  TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  int bits = SSL_get_cipher_bits(ssl, nullptr);
  facts.bits = bits > 0 ? static_cast<unsigned>(bits) : 0;
  Owned<X509> certificate(SSL_get_peer_certificate(ssl));
  facts.client_verified = certificate && SSL_get_verify_result(ssl) == X509_V_OK &&
                          SSL_get_ex_data(ssl, unverified_index()) == nullptr &&
                          SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
  if (facts.client_verified) facts.client = name_of(certificate.get());
  return facts;
}

}  // namespace handoff::sys

#else  // no OpenSSL

#include <cstdlib>

namespace handoff::sys {

struct TlsContext::State {
  TlsFiles files;
};
struct TlsSession::Parts {};

Result<TlsContext> TlsContext::load(const TlsOptions&) {
  return explained(ENOTSUP, "this build has no TLS");
}

Result<TlsContext> TlsContext::make(const TlsOptions& options, TlsFiles) { return load(options); }
const TlsFiles& TlsContext::files() const { return state_->files; }

// Without a context there is no session.
TlsSession::TlsSession(const TlsContext&) { std::abort(); }
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;
TlsSession::Step TlsSession::step_of(int) { return Step::kBroken; }
TlsSession::Step TlsSession::shake_hands() { return step_of(0); }
TlsSession::Read TlsSession::read(char*, std::size_t) { return {Step::kBroken, 0}; }
bool TlsSession::write(std::string_view) { return false; }
void TlsSession::end() {}
void TlsSession::feed(std::string_view) {}
std::string TlsSession::take_output() { return {}; }
TlsFacts TlsSession::facts() const { return {}; }

}  // namespace handoff::sys

#endif
