// One connection: octets in and out, each wait with a deadline, and TLS where it was begun. First
// and last station of a byte.
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
#include "sys/tls.hh"

namespace handoff::sys {

using Deadline = Steady::time_point;

enum class Waited { kReady, kTimeout, kStop };

// Waits until one of `fds` is ready (see their revents), the deadline has passed, or, where
// `stoppable`, a stop was requested. Requires catch_stop_signal() where `stoppable`.
Waited wait_for(std::span<pollfd> fds, Deadline deadline, bool stoppable);

class Stream {
 public:
  // A connected socket.
  explicit Stream(Fd socket);
  // Descriptors that others may share (inetd, a pipe): they stay in whatever mode they are.
  Stream(Fd in, Fd out);
  // From now on it is mostly recv itself that waits, a system call less for each read. For a socket
  // that blocks, and that no other process reads from: it would wait no longer either
  // (SO_RCVTIMEO).
  void wait_in_reads();

  enum class Got { kOctets, kEnd, kTimeout, kStop, kBroken };
  struct Input {
    Got got;
    std::size_t size;  // octets read; 0 unless kOctets
  };
  // Reads what is there, up to `size` octets; waits for the first. It may be 100 ms before a stop
  // is seen.
  Input read(char* buffer, std::size_t size, Deadline deadline, bool stoppable);

  // Writes all of `octets`; ETIMEDOUT where the peer does not take them in time, EPIPE where it is
  // gone.
  Status write(std::string_view octets, Deadline deadline);

  // Whether there are octets that were sent and not yet read. Never blocks.
  bool has_input() const;
  // Waits until the peer's end has taken all that was written: its program on a unix socket or a
  // pipe, its system over TCP. False where the connection broke first, or `deadline` has passed.
  // OpenBSD does not tell of sockets: they are taken for read.
  bool drained(Deadline deadline) const;
  // No more will be written: the peer sees the end, and can still be waited for.
  void end_output();

  // Shakes hands as the server; from then on read() and write() go through TLS. ETIMEDOUT at the
  // deadline, ECANCELED where a stop was requested, ECONNRESET where the peer has gone, EPROTO with
  // the cause where the two do not agree. After a failure the connection is good for nothing.
  Status start_tls(const TlsContext& context, Deadline deadline);
  // What that came to; nothing where there is no TLS.
  const std::optional<TlsFacts>& tls() const { return tls_facts_; }
  // Says that nothing more comes, where TLS has a way to say so.
  void end(Deadline deadline);

  // The peer's end, as far as is known now. Half-closed: it sends no more, and may still read (RFC
  // 9293 3.6); over TCP one that was closed altogether looks the same. Never blocks.
  enum class PeerEnd { kOpen, kHalfClosed, kClosed };
  PeerEnd peer_end() const;

 private:
  bool peer_broke() const;
  Input read_raw(char* buffer, std::size_t size, Deadline deadline, bool stoppable);
  Status write_raw(std::string_view octets, Deadline deadline);
  // Sends what TLS has for the peer, and gives TLS what comes from there.
  Got exchange(Deadline deadline, bool stoppable);
  int out() const { return out_ ? out_.get() : in_.get(); }

  Fd in_;
  Fd out_;  // empty: in_ goes both ways
  // A socket can be told in each call not to block; anything else is asked first.
  bool socket_in_;
  bool socket_out_;
  bool more_expected_ = false;      // the last read was not all there was
  bool waits_in_reads_ = false;     // kPatience at most
  Steady::time_point last_look_{};  // for a stop
  std::unique_ptr<TlsSession> tls_;
  std::optional<TlsFacts> tls_facts_;
};

}  // namespace handoff::sys
