// TLS by OpenSSL without I/O: converts between octets of the network and plain octets, which Stream
// moves. The types of OpenSSL stay in the .cc. In a build without OpenSSL load() fails, and no
// session can be made.
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
  std::string key;          // file: PEM; empty: `certificate` contains it
  std::string client_ca;    // file: PEM; empty: clients are not asked for a certificate
  std::string ciphers;      // OpenSSL's list for TLS 1.2; empty: OpenSSL's default
  bool only_1_3 = false;
};

// The contents of these files.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;  // empty if there is no such file
};

// Certificate, key and the parameters of handshakes. Copies share one state, which children
// inherit: the files, read as root, need not be readable afterwards.
class TlsContext {
 public:
  // Reads the files. EINVAL if one is invalid; ENOTSUP in a build without OpenSSL. May be called
  // again at any time: sessions keep the context that they began with.
  static Result<TlsContext> load(const TlsOptions& options);
  // The same, with files that have already been read; errors name them as `options` does.
  static Result<TlsContext> make(const TlsOptions& options, TlsFiles files);
  // Returns the contents of the files, for a process that makes the same context without access to
  // them.
  const TlsFiles& files() const;

 private:
  friend class TlsSession;
  struct State;
  explicit TlsContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// The result of a handshake.
struct TlsFacts {
  std::string version;           // "TLSv1.3"
  std::string cipher;            // "TLS_AES_256_GCM_SHA384"
  unsigned bits = 0;             // strength of the cipher
  bool client_verified = false;  // by a certificate that client_ca signed
  std::string client;            // common name, or whole subject; empty unless verified

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
  // Reads at most `size` plain octets. kEnded: the peer closed properly.
  Read read(char* buffer, std::size_t size);
  // Takes all of `octets`; false if the session is broken.
  bool write(std::string_view octets);
  // Tells the peer that no more output follows (close_notify).
  void end();

  // Encrypted octets: feed() takes those that the network delivered, take_output() returns those to
  // send.
  void feed(std::string_view octets);  // of one read
  std::string take_output();

  // Returns the result of the handshake. Requires that it has succeeded.
  TlsFacts facts() const;
  // Returns why the last step was kBroken: OpenSSL's message.
  const std::string& fault() const { return fault_; }

 private:
  struct Parts;
  Step step_of(int result);
  std::unique_ptr<Parts> parts_;
  std::string fault_;
};

}  // namespace handoff::sys
