// The transaction at one backend: the recipients whose mailboxes are there, the content as it
// comes, and one reply for each recipient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "lmtp/reply.hh"
#include "proxy/commands.hh"
#include "proxy/connection.hh"
#include "proxy/content.hh"
#include "proxy/line_encoder.hh"
#include "proxy/pool.hh"
#include "sys/clock.hh"

namespace handoff::proxy {

class RemoteTransaction {
 public:
  // `pool` and `facts` must outlive the object.
  RemoteTransaction(Pool& pool, Backend backend, const Facts& facts);
  RemoteTransaction(const RemoteTransaction&) = delete;
  // Before the content has begun, resets the transaction and keeps the connection. Later, without
  // replies_read(), breaks the connection off, so that the backend knows that its replies were not
  // read.
  ~RemoteTransaction();

  // Asks the backend about a recipient; returns its reply, or 451 if there is none. Blocks for at
  // most Options::timeout_of() for each of connect, MAIL and RCPT.
  lmtp::Reply add(const std::string& address, const Recipient& recipient);
  // Returns whether the backend sends the reports that the sender asked for (RFC 3461).
  bool reports() const { return connection_ && connection_->offers().dsn; }
  bool has_recipients() const { return !addresses_.empty(); }

  // The content begins. Asks a backend without CHUNKING for its 354; blocks like add().
  void begin_content();
  // Sends as much of the content as the backend takes, and its end if `ended`; takes the replies
  // that have arrived. Never blocks. Gives up on a backend that is overdue.
  void serve(const Content& content, bool ended);
  // For poll: the descriptor, and whether there is something to send. Nothing: there is nothing
  // left to wait for.
  struct Awaited {
    int fd;
    bool output;
    sys::Deadline deadline;
  };
  std::optional<Awaited> awaited() const;

  // Returns the reply for the recipient that was added with this address; nothing: it is not known
  // yet.
  std::optional<lmtp::Reply> reply(const std::string& address) const;
  // Returns why there are no replies of the backend, for the log; empty if there are.
  const std::string& cause() const { return cause_; }
  const Backend& backend() const { return backend_; }

  // The proxy's client has read its replies, or they promise nothing: the connection can be used
  // again.
  void replies_read();

 private:
  // Sends MAIL and the first RCPT, and returns the reply; nothing: the connection failed and was
  // closed.
  std::optional<lmtp::Reply> begin(const std::string& address, const Recipient& recipient);
  // Of a step that begins now.
  sys::Deadline deadline() const;
  Result<lmtp::Reply> receive();
  // Returns the backend's reply as the client gets it.
  lmtp::Reply passed_on(const lmtp::Reply& reply, const std::string& address) const;
  lmtp::Reply failure(const lmtp::Phrase& phrase, const std::string& address) const;
  // The connection has failed: every reply that is not known yet becomes `phrase`.
  void lose(const Error& error, const lmtp::Phrase& phrase);
  // The backend has refused everything; its reply is for all recipients.
  void refuse(const lmtp::Reply& reply, const std::string& address);
  Status send(const Content& content, bool ended);
  Status take_replies();
  Status take(const lmtp::Reply& reply);
  bool is_settled() const { return !connection_ || replies_.size() == addresses_.size(); }

  Pool& pool_;
  const Backend backend_;
  board::BackendWriter record_;
  const Facts& facts_;
  std::optional<Connection> connection_;
  std::optional<lmtp::Reply> refusal_;  // of MAIL or of the content
  const lmtp::Phrase* lost_ = nullptr;  // why there is no connection
  std::string cause_;                   // likewise, for the log
  std::vector<std::string> addresses_;  // that the backend has accepted, in order
  std::vector<lmtp::Reply> replies_;    // to these, after the content
  bool is_open_ = false;                // MAIL was accepted
  bool has_begun_ = false;              // the content
  LineEncoder encoder_;                 // for DATA
  std::uint64_t offset_ = 0;            // of the content that was not sent yet
  std::uint64_t chunk_left_ = 0;        // octets to send of this BDAT
  bool is_last_ = false;                // this BDAT has LAST
  std::size_t chunks_ = 0;              // BDATs without LAST whose reply is due
  bool has_ended_ = false;              // no more content will come
  bool is_sent_ = false;                // the end of the content too
  sys::Deadline deadline_;
  sys::Steady::time_point ended_at_;  // when the end of the content arrived
};

}  // namespace handoff::proxy
