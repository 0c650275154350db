#include "sys/tls.hh"

#include <cerrno>

#ifdef HAVE_OPENSSL

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

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
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// The most telling of OpenSSL's errors, which are taken off its list.
std::string last_fault() {
  auto code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "";
}

Error failure(const char* setting, const std::string& path, int code = EINVAL) {
  auto why = last_fault();
  return Error{code, std::string(setting) + (why.empty() ? "" : " (" + why + ")"), path};
}

// OpenSSL tells no errno; opening the file beforehand does.
Status readable(const char* setting, const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error{errno, setting, path};
  return {};
}

// A key with a passphrase is refused, not asked about on a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

// Where a session keeps whether its client's certificate was found wanting.
int unverified_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// A certificate that client_ca does not vouch for makes nobody trusted, and stops nobody: clients
// show what they have for others.
int note_verification(int ok, X509_STORE_CTX* store) {
  if (ok == 0) {
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    static char unverified;
    SSL_set_ex_data(ssl, unverified_index(), &unverified);
  }
  return 1;
}

// The common name, or the whole subject in the form of RFC 2253.
std::string name_of(const X509* certificate) {
  auto* subject = X509_get_subject_name(certificate);
  std::array<char, 256> common{};
  int size = X509_NAME_get_text_by_NID(subject, NID_commonName, common.data(), common.size());
  // A NUL within it would make it look like another name.
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
  Owned<SSL_CTX> context;
};

Result<TlsContext> TlsContext::load(const TlsOptions& options) {
  ERR_clear_error();
  auto state = std::make_shared<State>();
  state->context.reset(SSL_CTX_new(TLS_server_method()));
  auto* context = state->context.get();
  if (context == nullptr) return failure("TLS", "", ENOMEM);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_min_proto_version(context, options.only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // Connections are few and long: resuming would save nothing, and every worker has to know how.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_dh_auto(context, 1);

  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    return failure("tls.ciphers", options.ciphers);
  }
  if (auto can = readable("tls.certificate", options.certificate); !can) return can.error();
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1) {
    return failure("tls.certificate", options.certificate);
  }
  const auto& key = options.key.empty() ? options.certificate : options.key;
  if (auto can = readable("tls.key", key); !can) return can.error();
  // It also compares the key with the certificate's.
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return failure("tls.key", key);
  }
  if (!options.client_ca.empty()) {
    if (auto can = readable("tls.client-ca", options.client_ca); !can) return can.error();
    auto* names = SSL_load_client_CA_file(options.client_ca.c_str());
    if (names == nullptr ||
        SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) != 1) {
      return failure("tls.client-ca", options.client_ca);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verification);
  }
  return TlsContext(std::move(state));
}

struct TlsSession::Parts {
  // Keeps the files' contents alive where the context is loaded anew.
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
  // A memory BIO takes all there is.
  std::size_t taken = 0;
  int result = SSL_write_ex(parts_->ssl.get(), octets.data(), octets.size(), &taken);
  return result == 1 ? taken == octets.size() : step_of(result) == Step::kDone;
}

bool TlsSession::has_input() const {
  return SSL_has_pending(parts_->ssl.get()) != 0 || BIO_ctrl_pending(parts_->in) > 0;
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

struct TlsContext::State {};
struct TlsSession::Parts {};

Result<TlsContext> TlsContext::load(const TlsOptions&) {
  return Error{ENOTSUP, "TLS is no part of this build", {}};
}

// There is no context, and so no session.
TlsSession::TlsSession(const TlsContext&) { std::abort(); }
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;
TlsSession::Step TlsSession::step_of(int) { return Step::kBroken; }
TlsSession::Step TlsSession::shake_hands() { return step_of(0); }
TlsSession::Read TlsSession::read(char*, std::size_t) { return {Step::kBroken, 0}; }
bool TlsSession::write(std::string_view) { return false; }
bool TlsSession::has_input() const { return false; }
void TlsSession::end() {}
void TlsSession::feed(std::string_view) {}
std::string TlsSession::take_output() { return {}; }
TlsFacts TlsSession::facts() const { return {}; }

}  // namespace handoff::sys

#endif
