// AUTH by Cyrus SASL: the server's side of one exchange. No type of the library is known outside
// this file's .cc. In a build without it no server can be had.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace handoff::sys {

struct SaslOptions {
  std::string service;                  // "lmtp"
  std::string hostname;                 // also the realm of users without one
  std::string config_path;              // directory of handoff.conf; empty: the library's own
  std::vector<std::string> mechanisms;  // those that may be offered, in capitals
};

// What protects the connection.
struct SaslProtection {
  unsigned bits = 0;     // strength of TLS's cipher; 0: no TLS
  std::string external;  // who the peer is by its verified certificate; empty: nobody
};

// The library, once a process.
class SaslServer {
 public:
  // Loads the library's plugins; may read files. ENOTSUP in a build without it.
  static Result<SaslServer> start(SaslOptions options);
  SaslServer(SaslServer&&) = default;

  const SaslOptions& options() const { return options_; }

 private:
  explicit SaslServer(SaslOptions options) : options_(std::move(options)) {}
  SaslOptions options_;
};

// One connection, as it is protected now: after STARTTLS there is another.
class SaslSession {
 public:
  // `server` outlives the object. EIO where the library cannot.
  static Result<SaslSession> begin(const SaslServer& server, const SaslProtection& protection);
  SaslSession(SaslSession&&) noexcept;
  ~SaslSession();

  // Those of the options that can be used on this connection, parted by blanks. Without TLS none
  // that sends a password as it is.
  std::string mechanisms() const;

  enum class Outcome { kChallenge, kSucceeded, kFailed, kUnavailable, kBadBase64 };
  struct Step {
    Outcome outcome;
    std::string text;  // kChallenge: base64 to send; kFailed, kUnavailable: why, for the log
  };
  // RFC 4954 4. `response` is base64; nothing where AUTH had none. May block on files and daemons
  // that have the secrets.
  Step start(std::string_view mechanism, std::optional<std::string_view> response);
  Step step(std::string_view response);

  // Who it is that asks, as far as is known; never a secret.
  std::string user() const;

 private:
  struct Parts;
  explicit SaslSession(std::unique_ptr<Parts> parts);
  Step after(int result, const char* out, unsigned size);
  std::unique_ptr<Parts> parts_;
};

}  // namespace handoff::sys
