// TLS by OpenSSL, without its I/O: octets of the network in and out, plain ones out and in. Stream
// moves them; no type of OpenSSL is known outside this file's .cc. In a build without OpenSSL
// load() fails, and no session can be made.
//
//   TlsSession session(context);
//   for (;;) {
//     Step step = session.shake_hands();   // then read() and write()
//     write session.take_output() to the peer
//     kNeedInput -> session.feed() what the peer sent, again
//   }
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace handoff::sys {

struct TlsOptions {
  std::string certificate;  // file: PEM, the server's own first, then its chain
  std::string key;          // file: PEM; empty: it stands in `certificate`
  std::string client_ca;    // file: PEM; empty: no client is asked for a certificate
  std::string ciphers;      // OpenSSL's list for TLS 1.2; empty: OpenSSL's default
  bool only_1_3 = false;
};

// Certificate, key and what is asked of a handshake. Copies share one state, which is inherited
// over fork: what was read as root needs not be readable afterwards.
class TlsContext {
 public:
  // Reads the files. EINVAL where they are not what they should be; ENOTSUP in a build without
  // OpenSSL. May be called again at any time: sessions keep the context that they began with.
  static Result<TlsContext> load(const TlsOptions& options);

 private:
  friend class TlsSession;
  struct State;
  explicit TlsContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// What a handshake came to.
struct TlsFacts {
  std::string version;           // "TLSv1.3"
  std::string cipher;            // "TLS_AES_256_GCM_SHA384"
  unsigned bits = 0;             // strength of the cipher
  bool client_verified = false;  // by a certificate that client_ca vouches for
  std::string client;            // its common name, or whole subject; empty unless verified

  // "TLSv1.3/TLS_AES_256_GCM_SHA384"
  std::string text() const { return version + "/" + cipher; }
};

// The server's side of one connection. Never blocks.
class TlsSession {
 public:
  explicit TlsSession(const TlsContext& context);
  TlsSession(TlsSession&&) noexcept;
  ~TlsSession();

  enum class Step { kDone, kNeedInput, kEnded, kBroken };
  struct Read {
    Step step;
    std::size_t size;  // octets; 0 unless kDone
  };

  Step shake_hands();
  // Plain octets that have come, at most `size`. kEnded: the peer closed in order.
  Read read(char* buffer, std::size_t size);
  // Takes all of `octets`; false where the session is broken.
  bool write(std::string_view octets);
  // Whether there is something that was fed and not yet read.
  bool has_input() const;
  // Tells the peer that nothing more comes (close_notify).
  void end();

  // From and to the network.
  void feed(std::string_view octets);  // of one read
  std::string take_output();

  // After the handshake.
  TlsFacts facts() const;
  // Why the last step was kBroken, in OpenSSL's words.
  const std::string& fault() const { return fault_; }

 private:
  struct Parts;
  Step step_of(int result);
  std::unique_ptr<Parts> parts_;
  std::string fault_;
};

}  // namespace handoff::sys
