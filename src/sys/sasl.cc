#include "sys/sasl.hh"

#include <cerrno>

#ifdef HAVE_SASL

#include <sasl/sasl.h>
#include <sasl/saslutil.h>

#include <algorithm>
#include <array>

#include "base/text.hh"

namespace handoff::sys {
namespace {

constexpr char kName[] = "handoff";  // name of the configuration file: handoff.conf

using Callback = int (*)();

// Without a callback the library logs by itself. We keep its message about a failure for our own
// log line. Levels below a warning may contain secrets.
int keep_fault(void* context, int level, const char* message) {
  if (context != nullptr && message != nullptr && level >= SASL_LOG_ERR && level <= SASL_LOG_WARN) {
    *static_cast<std::string*>(context) = message;
  }
  return SASL_OK;
}

sasl_callback_t log_callback(std::string* fault) {
  // Through the generic function type, as the library's own programs do.
  auto any = reinterpret_cast<void (*)()>(keep_fault);
  return {SASL_CB_LOG, reinterpret_cast<Callback>(any), fault};
}

struct Dispose {
  void operator()(sasl_conn_t* connection) const { sasl_dispose(&connection); }
};

std::optional<std::string> decode(std::string_view base64) {
  if (base64 == "=") return "";  // RFC 4954 4: an empty initial response
  std::string out(base64.size() + 1, '\0');
  unsigned size = 0;
  int result = sasl_decode64(base64.data(), static_cast<unsigned>(base64.size()), out.data(),
                             static_cast<unsigned>(out.size()), &size);
  if (result != SASL_OK) return std::nullopt;
  out.resize(size);
  return out;
}

std::string encode(const char* octets, unsigned size) {
  std::string out(size / 3 * 4 + 8, '\0');
  unsigned length = 0;
  sasl_encode64(octets, size, out.data(), static_cast<unsigned>(out.size()), &length);
  out.resize(length);
  return out;
}

}  // namespace

Result<SaslServer> SaslServer::start(SaslOptions options) {
  static const std::array<sasl_callback_t, 2> callbacks = {log_callback(nullptr),
                                                           {SASL_CB_LIST_END, nullptr, nullptr}};
  if (!options.config_path.empty()) {
    // SASL copies the path, although the parameter is not const.
    auto path = options.config_path;
    sasl_set_path(SASL_PATH_TYPE_CONFIG, path.data());
  }
  int result = sasl_server_init(callbacks.data(), kName);
  if (result != SASL_OK) {
    return explained(EINVAL, std::string("SASL (") + sasl_errstring(result, nullptr, nullptr) + ")",
                     options.config_path);
  }
  return SaslServer(std::move(options));
}

struct SaslSession::Parts {
  const SaslServer* server;
  std::string fault;  // the library's last message
  std::array<sasl_callback_t, 2> callbacks;
  std::unique_ptr<sasl_conn_t, Dispose> connection;
};

SaslSession::SaslSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SaslSession::SaslSession(SaslSession&&) noexcept = default;
SaslSession::~SaslSession() = default;

Result<SaslSession> SaslSession::begin(const SaslServer& server, const SaslProtection& protection) {
  const auto& options = server.options();
  auto parts = std::make_unique<Parts>();
  parts->server = &server;
  parts->callbacks = {log_callback(&parts->fault), {SASL_CB_LIST_END, nullptr, nullptr}};
  sasl_conn_t* connection = nullptr;
  int result = sasl_server_new(options.service.c_str(), options.hostname.c_str(), nullptr, nullptr,
                               nullptr, parts->callbacks.data(), 0, &connection);
  parts->connection.reset(connection);
  auto set = [&](int property, const void* value) {
    if (result == SASL_OK) result = sasl_setprop(connection, property, value);
  };
  // SASL must not add a security layer, accept anonymous users, or accept a password in the clear
  // (RFC 4954 4).
  sasl_security_properties_t security{};
  security.security_flags = SASL_SEC_NOANONYMOUS | (protection.bits > 0 ? 0 : SASL_SEC_NOPLAINTEXT);
  set(SASL_SEC_PROPS, &security);
  sasl_ssf_t bits = protection.bits;
  set(SASL_SSF_EXTERNAL, &bits);
  if (!protection.external.empty()) set(SASL_AUTH_EXTERNAL, protection.external.c_str());
  if (result != SASL_OK) {
    return explained(EIO, std::string("SASL (") + sasl_errstring(result, nullptr, nullptr) + ")");
  }
  return SaslSession(std::move(parts));
}

std::string SaslSession::mechanisms() const {
  const char* list = nullptr;
  if (sasl_listmech(parts_->connection.get(), nullptr, "", " ", "", &list, nullptr, nullptr) !=
      SASL_OK) {
    return {};
  }
  auto usable = split(list, ' ');
  std::string out;
  for (const auto& mechanism : parts_->server->options().mechanisms) {
    if (std::ranges::find(usable, mechanism) == usable.end()) continue;
    if (!out.empty()) out += ' ';
    out += mechanism;
  }
  return out;
}

SaslSession::Step SaslSession::start(std::string_view mechanism,
                                     std::optional<std::string_view> response) {
  auto decoded = response ? decode(*response) : std::nullopt;
  if (response && !decoded) return {Outcome::kBadBase64, {}};
  std::string name;
  for (char c : mechanism) name += upper(c);
  const char* out = nullptr;
  unsigned size = 0;
  parts_->fault.clear();
  int result =
      sasl_server_start(parts_->connection.get(), name.c_str(), decoded ? decoded->data() : nullptr,
                        decoded ? static_cast<unsigned>(decoded->size()) : 0, &out, &size);
  return after(result, out, size);
}

SaslSession::Step SaslSession::step(std::string_view response) {
  auto decoded = decode(response);
  if (!decoded) return {Outcome::kBadBase64, {}};
  const char* out = nullptr;
  unsigned size = 0;
  parts_->fault.clear();
  int result = sasl_server_step(parts_->connection.get(), decoded->data(),
                                static_cast<unsigned>(decoded->size()), &out, &size);
  return after(result, out, size);
}

SaslSession::Step SaslSession::after(int result, const char* out, unsigned size) {
  std::string why = parts_->fault;
  if (why.empty() && result < 0) why = sasl_errstring(result, nullptr, nullptr);
  switch (result) {
    case SASL_OK:
      return {Outcome::kSucceeded, {}};
    case SASL_CONTINUE:
      return {Outcome::kChallenge, encode(out, size)};
    // Failures that do not depend on the user.
    case SASL_FAIL:
    case SASL_NOMEM:
    case SASL_BUFOVER:
    case SASL_NOTINIT:
    case SASL_TRYAGAIN:
    case SASL_UNAVAIL:
    case SASL_CONFIGERR:
      return {Outcome::kUnavailable, std::move(why)};
    default:
      return {Outcome::kFailed, std::move(why)};
  }
}

std::string SaslSession::user() const {
  const void* name = nullptr;
  for (int property : {SASL_USERNAME, SASL_AUTHUSER}) {
    if (sasl_getprop(parts_->connection.get(), property, &name) == SASL_OK && name != nullptr) {
      return static_cast<const char*>(name);
    }
  }
  return {};
}

}  // namespace handoff::sys

#else  // no Cyrus SASL

namespace handoff::sys {

struct SaslSession::Parts {};

Result<SaslServer> SaslServer::start(SaslOptions) {
  return explained(ENOTSUP, "this build has no AUTH");
}
Result<SaslSession> SaslSession::begin(const SaslServer&, const SaslProtection&) {
  return explained(ENOTSUP, "this build has no AUTH");
}
SaslSession::SaslSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SaslSession::SaslSession(SaslSession&&) noexcept = default;
SaslSession::~SaslSession() = default;
std::string SaslSession::mechanisms() const { return {}; }
SaslSession::Step SaslSession::after(int, const char*, unsigned) {
  return {Outcome::kUnavailable, {}};
}
SaslSession::Step SaslSession::start(std::string_view, std::optional<std::string_view>) {
  return after(0, nullptr, 0);
}
SaslSession::Step SaslSession::step(std::string_view) { return after(0, nullptr, 0); }
std::string SaslSession::user() const { return {}; }

}  // namespace handoff::sys

#endif
