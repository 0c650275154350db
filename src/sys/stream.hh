// One connection: reads and writes octets, each wait with a deadline, through TLS once that has
// begun.
#pragma once

#include <poll.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"
#include "sys/sockets.hh"
#include "sys/tls.hh"

namespace handoff::sys {

using Deadline = Steady::time_point;

enum class Waited { kReady, kTimeout, kStop };

// Waits until one of `fds` is ready (see their revents), the deadline has passed, or, if
// `stoppable`, a stop was requested, which requires catch_stop_signal().
Waited wait_for(std::span<pollfd> fds, Deadline deadline, bool stoppable);

class Stream {
 public:
  // A connected socket.
  explicit Stream(Fd socket);
  // Descriptors that other processes may share (inetd, a pipe); their mode is not changed.
  Stream(Fd in, Fd out);
  // Lets recv(2) itself wait from now on, which saves a system call for each read. For a blocking
  // socket that no other process reads from, because SO_RCVTIMEO would affect that process too.
  void wait_in_reads();

  enum class Got { kOctets, kEnd, kTimeout, kStop, kBroken };
  struct Input {
    Got got;
    std::size_t size;  // octets read; 0 unless kOctets
  };
  // Waits for input and reads up to `size` octets of it. A stop may be noticed up to 100 ms late.
  Input read(char* buffer, std::size_t size, Deadline deadline, bool stoppable);

  // Writes all of `octets`; ETIMEDOUT if the peer does not read them in time, EPIPE if it is gone.
  // If `stop_grace` is set, a stop that is requested meanwhile leaves only that much time.
  using Grace = std::optional<std::chrono::seconds>;
  Status write(std::string_view octets, Deadline deadline, Grace stop_grace = {});

  // Waits until everything written was received: by the peer's program on a unix socket or pipe, by
  // its system over TCP. False if the connection broke or `deadline` passed. OpenBSD does not
  // report this for sockets; true is assumed there.
  bool drained(Deadline deadline) const;
  // Ends our output: the peer reads end of file. Its input can still be read.
  void end_output();
  // After end_output(): waits for the end of the peer's output, and drops what comes before it.
  // True if the peer closed in order, which over TCP proves that its program has read everything: a
  // socket that is closed with unread octets is reset. False if the connection broke or `deadline`
  // passed.
  bool ends_in_order(Deadline deadline);

  // Performs the handshake as the server; afterwards read() and write() use TLS. ETIMEDOUT at the
  // deadline, ECANCELED if a stop was requested, ECONNRESET if the peer is gone, EPROTO with the
  // cause if the handshake fails. After a failure the connection is unusable.
  Status start_tls(const TlsContext& context, Deadline deadline);
  // Returns the result of the handshake; nothing without TLS.
  const std::optional<TlsFacts>& tls() const { return tls_facts_; }
  // Tells the peer the end of our output, if TLS is in use.
  void end(Deadline deadline);

  // The state of the peer's end as far as it is known. Half-closed: it sends no more but may still
  // read (RFC 9293 3.6); over TCP a full close looks the same. Never blocks.
  enum class PeerEnd { kOpen, kHalfClosed, kClosed };
  PeerEnd peer_end() const;

 private:
  bool peer_broke() const;
  Input read_raw(char* buffer, std::size_t size, Deadline deadline, bool stoppable);
  Status write_raw(std::string_view octets, Deadline deadline, Grace stop_grace = {});
  // Sends the output of TLS to the peer and feeds TLS with the peer's answer.
  Got exchange(Deadline deadline, bool stoppable);
  int out() const { return out_ ? out_.get() : in_.get(); }

  Fd in_;
  Fd out_;  // empty: in_ is used for both directions
  // On a socket each call can be non-blocking; other descriptors are polled first.
  bool socket_in_;
  bool socket_out_;
  bool more_expected_ = false;      // the last read filled the buffer
  bool waits_in_reads_ = false;     // recv(2) itself waits, for at most kPatience
  Steady::time_point last_look_{};  // for a stop
  std::unique_ptr<TlsSession> tls_;
  std::optional<TlsFacts> tls_facts_;
};

}  // namespace handoff::sys
