// One session: octets from the peer to lmtp::Session, its events to recipients/ and spool/, its
// replies back. The only place where the four meet.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "board/scribe.hh"
#include "lmtp/session.hh"
#include "spool/staging.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/deliverer.hh"
#include "worker/services.hh"

namespace handoff::worker {

enum class Ended {
  kQuit,      // in order: QUIT, or the peer closed between transactions
  kRefused,   // we closed: not allowed, too many errors
  kShutdown,  // a stop was requested
  kTimeout,
  kBroken,  // the peer has gone in the middle of something
};

class Pump {
 public:
  // `port`: the local one; nothing where the peer does not come by TCP. `scribe` outlives the
  // object: what is done, and how long it takes, is written there.
  Pump(Services& services, sys::Stream stream, sys::Peer peer, std::optional<std::uint16_t> port,
       board::Scribe& scribe);

  // Serves the session to its end. Blocks, at each wait at most as long as the configured timeouts.
  Ended run();

 private:
  // One for each event; what they return ends the session.
  using Next = std::optional<Ended>;
  Next on(const lmtp::NeedInput&);
  Next on(const lmtp::MailBegins& event);
  Next on(const lmtp::RecipientNamed& event);
  Next on(const lmtp::ContentBegins& event);
  Next on(const lmtp::Content& event);
  Next on(const lmtp::ContentDropped&);
  Next on(const lmtp::ContentEnds& event);
  Next on(const lmtp::TlsBegins&);
  Next on(const lmtp::AuthStep& event);
  Next on(const lmtp::Closed&);

  bool is_allowed() const;
  bool is_trusted() const;
  lmtp::SessionPeer session_peer();
  // Shakes hands; the session is told. False where it came to nothing.
  bool start_tls();
  // The mechanisms of AUTH that this connection has now.
  std::string begin_auth();
  // What the lines of the log say of the connection.
  std::string tls_text() const;
  // Writes the replies that are due; false where the peer does not take them.
  bool flush();
  Next read_more();
  // Whether a stop has to wait for the client.
  bool must_go_on() const;
  void part();
  Next shut_down();
  sys::Deadline deadline();
  Ended serve();
  void resolve_unread(sys::Deadline deadline);
  void resolve_unread_as(bool read);
  void drop_staging() { staging_.reset(); }
  // The log line of one recipient, and its place on the board. `result` is nullptr where the spool
  // was not asked.
  void log_outcome(const Address& sender, const Recipient& recipient, const lmtp::Reply& reply,
                   const Result<spool::Delivered>* result);
  void log_refusals();

  Services& services_;
  sys::Stream stream_;
  sys::Peer peer_;
  std::optional<std::uint16_t> port_;
  std::optional<sys::SaslSession> sasl_;
  std::string mechanism_;  // that AUTH asked for last
  std::string user_;       // who has authenticated
  lmtp::Session session_;
  std::unique_ptr<char[]> buffer_;
  std::size_t buffer_size_ = 0;
  std::string_view input_;  // of buffer_: read and not yet consumed
  std::optional<spool::Staging> staging_;
  // Delivered; its replies are not known to be read.
  struct Unread {
    spool::Staging staging;
    std::optional<lmtp::DsnReport> report;  // that is owed once they are
  };
  std::optional<Unread> unread_;
  board::Scribe& scribe_;
  Deliverer deliverer_;
  Ended ending_ = Ended::kQuit;  // how Closed is to be understood

  // What the peer is waited for: content, or the command behind so many.
  struct Awaited {
    std::uint64_t commands;
    bool content;
    bool operator==(const Awaited&) const = default;
  };
  std::optional<Awaited> awaited_;
  sys::Steady::time_point awaited_since_;
  sys::Deadline transaction_deadline_;
  std::optional<sys::Deadline> stop_deadline_;
  bool parting_ = false;  // the next command is the last

  // Of the transaction: how long each stage took but the last, which is the deliverer's.
  struct Times {
    sys::Steady::time_point begin;
    sys::Steady::duration lookup{}, write{}, sync{};
  };
  Times times_;
  std::uint64_t declared_size_ = 0;  // octets, of this transaction; 0: none was
  std::string id_;                   // of its message, once there is one
};

}  // namespace handoff::worker
