// AUTH by Cyrus SASL: the server's side of one exchange. The types of the library stay in the .cc.
// In a build without the library, start() fails.
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
  std::string config_path;              // directory of handoff.conf; empty: the library's default
  std::vector<std::string> mechanisms;  // may be offered; in upper case
};

// How the connection is protected.
struct SaslProtection {
  unsigned bits = 0;     // strength of TLS's cipher; 0: no TLS
  std::string external;  // the peer's name by its verified certificate; may be empty
};

// The library; one object for each process.
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

// One connection with its present protection; STARTTLS needs a new one.
class SaslSession {
 public:
  // `server` outlives the object. EIO if the library fails.
  static Result<SaslSession> begin(const SaslServer& server, const SaslProtection& protection);
  SaslSession(SaslSession&&) noexcept;
  ~SaslSession();

  // Returns the configured mechanisms that can be used on this connection, separated by spaces.
  // Without TLS, those that send the password itself are left out.
  std::string mechanisms() const;

  enum class Outcome { kChallenge, kSucceeded, kFailed, kUnavailable, kBadBase64 };
  struct Step {
    Outcome outcome;
    std::string text;  // kChallenge: base64 to send; kFailed, kUnavailable: the cause, for the log
  };
  // RFC 4954 4. `response` is base64; nothing if AUTH had none. May block on the files and daemons
  // that hold the secrets.
  Step start(std::string_view mechanism, std::optional<std::string_view> response);
  Step step(std::string_view response);

  // The user's name as far as it is known; never a secret.
  std::string user() const;

 private:
  struct Parts;
  explicit SaslSession(std::unique_ptr<Parts> parts);
  Step after(int result, const char* out, unsigned size);
  std::unique_ptr<Parts> parts_;
};

}  // namespace handoff::sys
