// One session: passes octets from the peer to lmtp::Session, its events to recipients/ and spool/,
// and its replies back to the peer. No other code connects these.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "board/slot_writer.hh"
#include "lmtp/session.hh"
#include "proxy/relay.hh"
#include "spool/message.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/admission.hh"
#include "worker/filtered.hh"
#include "worker/penalties.hh"
#include "worker/services.hh"

namespace handoff::worker {

enum class Ended {
  kQuit,      // normally: by QUIT, or closed by the peer between transactions
  kRefused,   // we refused the peer or its errors were too many
  kShutdown,  // a stop was requested
  kTimeout,
  kBroken,  // the peer vanished during a transaction or did not read a reply
};

class Connection {
 public:
  // `port`: the local port; nothing unless the peer uses TCP. `slot_writer`, which must outlive the
  // object, records what is done and how long it takes.
  Connection(Services& services, sys::Stream stream, sys::Peer peer,
             std::optional<std::uint16_t> port, board::SlotWriter& slot_writer);

  // Serves the session to its end. Blocks; each wait is limited by the timeout configured for it.
  Ended run();

 private:
  // One handler for each event; a value ends the session.
  using Next = std::optional<Ended>;
  Next on(const lmtp::NeedInput&);
  Next on(const lmtp::MailBegins& event);
  Next on(const lmtp::RecipientNamed& event);
  Next on(const lmtp::ContentBegins& event);
  Next on(const lmtp::Content& event);
  Next on(const lmtp::RawContent& event);
  Next on(const lmtp::ContentDropped&);
  Next on(const lmtp::ContentEnds& event);
  Next on(const lmtp::TlsBegins&);
  Next on(const lmtp::AuthStep& event);
  Next on(const lmtp::Closed&);

  bool is_allowed() const;
  // Returns whether few enough workers serve this client. If so, this worker is counted until run()
  // returns.
  bool has_place();
  bool is_trusted() const;
  lmtp::SessionPeer session_peer();
  // Does the handshake and informs the session. False if it failed.
  bool start_tls();
  // Returns the mechanisms of AUTH to offer on this connection now.
  std::string begin_auth();
  // Returns the TLS parameters, for the log.
  std::string tls_text() const;
  // Writes the replies that are due; false if the peer does not read them.
  bool flush();
  Next read_more();
  // Returns whether a stop must wait for the client's transaction.
  bool must_go_on() const;
  // Lets a stop wait for one more command, which gets the reply 421.
  void await_last_command();
  Next shut_down();
  // Closes the session because nothing came until `limit`, or, before it, because others wait.
  Next time_out(sys::Deadline limit);
  sys::Deadline deadline();
  Ended serve();
  // RCPT for a mailbox at another host.
  Next ask_backend(const lmtp::RecipientNamed& event, Mailbox mailbox);
  Next refuse_recipient(const lmtp::RecipientNamed& event, const lmtp::Reply& reply,
                        const Error* error = nullptr, const char* what = "");
  // Refuses a recipient that is unknown or not served; many are delayed.
  Next refuse_unknown(const lmtp::RecipientNamed& event, const lmtp::Phrase& phrase);
  // Writes the replies so far and waits before the next. False if the client is gone.
  bool hold_back(std::chrono::seconds time);
  lmtp::Reply reply_to(const Error& error, const std::string& address) const;
  void settle(const lmtp::ContentEnds& event, std::size_t index,
              const spool::Message::Outcome& outcome);
  // Content could not be stored or kept.
  void fail_storing(const Error& error);
  // Delivers to each destination if none of them is here.
  void pass_on(const lmtp::ContentEnds& event, const spool::Message::Progress& progress);
  Next fail_content(const lmtp::ContentEnds& event, const Error& error);
  // Determines whether the replies to the last message were read. Waits at most until `deadline`.
  void resolve_unread(sys::Deadline deadline);
  void resolve_unread_as(bool read);
  // The same without waiting; does nothing unless they are known to have been read.
  void resolve_if_read();
  // Waits for input until `limit`. Meanwhile checks from time to time whether the replies were
  // read, and whether others wait for this worker; in these cases returns kTimeout before `limit`.
  sys::Stream::Input read_input(sys::Deadline now, sys::Deadline limit, bool stoppable);
  // Returns whether the client must make room for others if it has not completed its command at
  // `now`.
  bool must_make_room(sys::Deadline now) const;
  // Logs and counts the outcome for one recipient. `result` is nullptr if no delivery was tried.
  // `filtered`: what the recipient's scripts have done, or nullptr.
  void log_outcome(const Sender& sender, const Recipient& recipient, const lmtp::Reply& reply,
                   const Result<spool::Delivered>* result, const Filtered* filtered = nullptr);
  // Logs one line for each action, if there are several.
  void log_actions(const Recipient& recipient, const Filtered& filtered);
  void log_refusals();
  // Adds the fields that every line about the outcome for a recipient has.
  void add_client_and_reply(sys::Fields& fields, const lmtp::Reply& reply) const;
  // Returns the fields of each line about a refusal or deferral; those without a value are left
  // out.
  sys::Fields refusal_fields(const std::string& from, const std::string& to,
                             const lmtp::Reply& reply, const Error* error = nullptr) const;
  // Adds a failure for that recipient to the recent failures that the status shows.
  void note_failure(const lmtp::Reply& reply, const Error& error, const Address& address);
  // Counts a recipient by its last reply.
  void count_outcome(const lmtp::Reply& reply);

  Services& services_;
  sys::Stream stream_;
  sys::Peer peer_;
  std::optional<std::uint16_t> port_;
  std::optional<sys::SaslSession> sasl_;
  std::string mechanism_;  // of the last AUTH command
  std::string user_;       // as authenticated
  lmtp::Session session_;
  std::unique_ptr<char[]> buffer_;
  std::size_t buffer_size_ = 0;
  std::string_view input_;  // in buffer_: read but not yet consumed

  // The transaction: the destination of each place, its reserved space, and its message.
  std::map<std::string, std::unique_ptr<delivery::Destination>> destinations_;
  spool::Ledger::Reservation room_;
  std::optional<spool::Message> message_;  // nothing: no mailbox is here
  std::unique_ptr<proxy::Relay> relay_;    // nothing: no mailbox is at another host
  // Parallel to the deliveries; nothing: no scripts run.
  std::deque<std::optional<Filtered>> filtered_;
  std::optional<Error> content_error_;  // the content could not be stored
  // A delivered message, until it is known whether its replies were read.
  struct Unread {
    std::string id;
    std::optional<spool::Message> message;  // if delivered here
    std::unique_ptr<proxy::Relay> relay;    // if passed on
    std::optional<lmtp::DsnReport> report;  // to send once the replies have been read
  };
  std::optional<Unread> unread_;
  board::SlotWriter& slot_writer_;
  Admission admission_;
  Penalties penalties_;
  Ended ending_ = Ended::kQuit;  // the reason to return when the session is closed

  // The input that the session waits for: content, or the command that follows this many commands.
  struct Awaited {
    std::uint64_t commands;
    bool content;
    bool operator==(const Awaited&) const = default;
  };
  std::optional<Awaited> awaited_;
  const sys::Steady::time_point began_ = sys::Steady::now();
  sys::Steady::time_point awaited_since_;
  sys::Steady::time_point waiting_since_;  // start of the deadline, for the text of a timeout
  sys::Deadline transaction_deadline_;
  std::optional<sys::Deadline> stop_deadline_;
  bool last_command_ = false;  // answer the next command with 421

  // The time spent on each stage of the transaction; `commit`: for the last recipient only.
  struct Times {
    sys::Steady::time_point begin;
    sys::Steady::duration lookup{}, write{}, sync{}, commit{};
  };
  Times times_;
  std::uint64_t declared_size_ = 0;  // octets, as declared for this transaction; 0: not declared
  std::string id_;                   // of its message, if any
};

}  // namespace handoff::worker
