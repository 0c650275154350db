// An LMTP session without its I/O: it takes octets and returns events and replies. It owns the
// protocol's state and knows no descriptor, clock or file.
//
// Calling sequence, by the worker:
//
//   Session session(options, from);
//   for (;;) {
// input: octets read but not yet consumed
//     NeedInput        -> write session.output(), read more
// check the free space; accept_mail() or refuse()
//     RecipientNamed   -> look it up; accept_recipient(), cannot_verify() or refuse()
//     ContentBegins    -> open a staging file; accept_content() or refuse()
//     Content          -> store the octets; on failure content_failed()
//     RawContent       -> pass the octets on, if a recipient is at another host
//     ContentDropped   -> delete the stored octets
// make it durable; settle() each recipient as soon as its result is known, in any order
//     TlsBegins        -> shake hands; tls_started()
//     AuthStep         -> ask SASL; auth_challenge(), auth_succeeded() or refuse()
//     Closed           -> write session.output(), close
//   }
//
// Answer every event that asks a question before the next call of next(). Views in events point
// into `input` or into the session and are valid until that call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/choices.hh"
#include "base/envelope.hh"
#include "lmtp/line_reader.hh"
#include "lmtp/reply.hh"
#include "lmtp/trace.hh"
#include "lmtp/transaction.hh"

namespace handoff::lmtp {

struct Command;

struct NeedInput {};
struct MailBegins {
  const Envelope& envelope;
};
struct RecipientNamed {
  const Address& address;
  bool verify;                 // VRFY: nothing will be delivered
  const Recipient& recipient;  // with the parameters of RCPT, but without the mailbox
};
struct ContentBegins {
  const Envelope& envelope;
};
struct Content {
  std::string_view octets;  // lines end in CRLF; dot-stuffing is removed
  bool trace = false;       // our trace header, which comes first
};
// The same content exactly as it was received, without dot-stuffing. Only if a recipient's mailbox
// is at another host.
struct RawContent {
  std::string_view octets;
};
struct ContentDropped {};
struct Delivery {
  const Recipient* recipient;
  std::string header;  // lines for this recipient alone, ending in CRLF; usually none
};
struct ContentEnds {
  const Envelope& envelope;
  std::vector<Delivery> deliveries;  // one for each mailbox, in RCPT order; never empty
};
// STARTTLS was answered with 220: write output(), discard unconsumed input, do the handshake, then
// call tls_started() or end the connection.
struct TlsBegins {};
// AUTH, and each further line of its exchange; `response` is base64 as sent, or nothing if AUTH had
// none. Answered by auth_challenge(), auth_succeeded() or refuse().
struct AuthStep {
  std::string_view mechanism;  // empty: the exchange continues
  std::optional<std::string_view> response;
};
struct Closed {};

using Event = std::variant<NeedInput, MailBegins, RecipientNamed, ContentBegins, Content,
                           RawContent, ContentDropped, ContentEnds, TlsBegins, AuthStep, Closed>;

struct SessionOptions {
  std::string hostname;
  std::uint64_t max_message_size = 50 << 20;  // octets
  std::size_t max_recipients = 1000;          // per transaction
  unsigned max_errors = 20;  // refused commands per session; unknown recipients do not count
  // The limit of commands since the last content; RCPT, DATA, BDAT and QUIT are not counted.
  // Postfix has smtpd_junk_command_limit.
  unsigned max_idle_commands = 100;
  bool lenient_newlines = false;
  bool reject_bare_newlines = false;
  bool bare_local = false;  // recipients without a domain are accepted
  // Accept addresses without angle brackets, or after several spaces or a tab.
  bool lenient_addresses = false;
  DeliveredTo delivered_to = DeliveredTo::kAuto;
  unsigned max_delivered_to = 5;       // fields that name the mailbox; 0: unlimited
  std::uint64_t max_transactions = 0;  // per session (LIMITS MAILMAX, RFC 9422); 0: unlimited
  bool utf8 = false;                   // SMTPUTF8
  bool dsn = false;                    // NOTIFY=SUCCESS reports can be sent
  bool rrvs = false;                   // a lookup can say when a mailbox got its owner
  bool require_tls = false;            // MAIL and VRFY need STARTTLS first
  bool require_auth = false;           // MAIL and VRFY need AUTH first
  bool proxy = false;                  // mail is passed on to other hosts, so XHOPS is offered
  bool separate_recipients = false;    // also those with the same mailbox (Transaction)
};

// The peer of one session, and what the connection can do.
struct SessionPeer {
  std::string text;             // for Received:: "[192.0.2.1]" or "local"
  bool trusted = false;         // may use XFORWARD, XCLIENT and ORCPT
  bool tls = false;             // the connection is already encrypted
  bool can_tls = false;         // STARTTLS is offered
  bool remote = false;          // connected over TCP, so authentication may be required
  std::string mechanisms = {};  // of AUTH, separated by spaces; empty: AUTH is not offered
};

// A command that was refused, for the log.
struct RefusedCommand {
  Reply reply;
  std::string verb;  // as given; empty: none, within content that is discarded
  std::string from;  // the sender, as given by MAIL; empty: unknown
  std::string to;    // the recipient of RCPT or VRFY
};

class Session {
 public:
  // Puts the greeting into output(). `options` must outlive the session.
  Session(const SessionOptions& options, SessionPeer peer);

  Event next(std::string_view& input);

  // Answers to events.
  void accept_mail();
  void accept_recipient(Mailbox mailbox);
  // Returns whether accept_recipient() would refuse the mailbox, because its owner has changed
  // since the sender last knew it (RFC 7293 5).
  bool has_new_owner(const Mailbox& mailbox) const;
  // The same with the reply of the host that has the mailbox. `reports`: that host sends the report
  // that the sender asked for.
  void accept_recipient(Mailbox mailbox, const Reply& reply, bool reports);
  void cannot_verify();
  void accept_content(const TraceFacts& facts);
  // The session starts again (RFC 3207 4.2), with these mechanisms of AUTH. `trusted`: the client's
  // certificate makes it a trusted peer. Also called before the first next() if TLS precedes the
  // greeting.
  void tls_started(std::string mechanisms, bool trusted = false);
  void auth_challenge(std::string_view base64);
  void auth_succeeded();
  // The negative answer to any question.
  void refuse(const Reply& reply);
  // Storing failed: the rest of the content is read and discarded, and every recipient gets
  // `reply`.
  void content_failed(const Reply& reply);
  void settle(const Recipient& recipient, const Reply& reply);

  // Requests from outside the protocol, between two calls of next(). Each closes the session.
  void refuse_peer(const Reply& reply);
  void shut_down();
  // The next command outside a transaction, other than QUIT, will close the session.
  void grow_old() { old_ = true; }
  void time_out(std::uint64_t seconds);
  void make_room(std::uint64_t seconds);
  // Returns whether content is being received. If so, the deadline for data applies, and a shutdown
  // waits if a transaction is open (S11). The octets of a refused BDAT may belong to no
  // transaction.
  bool in_content() const;
  // Returns whether the peer is trusted, by its address or by its certificate.
  bool trusted() const { return peer_.trusted; }
  bool in_transaction() const { return transaction_.has_value(); }
  // Returns whether it was closed because of too many errors, or an error after which it could not
  // continue.
  bool gave_up() const { return errors_ >= options_.max_errors; }
  // Command lines read so far. The deadline for the next one starts when this changes.
  std::uint64_t commands() const { return commands_; }
  // Transactions that have begun.
  std::uint64_t transactions() const { return transactions_; }

  // Replies that were not yet written, in order; the worker removes what it has written.
  std::string& output() { return output_; }
  // Returns the client by XFORWARD or XCLIENT; empty unless a trusted peer named one.
  const Forwarded& forwarded() const { return forwarded_; }
  // Facts from the header of the last content; complete at ContentEnds.
  const HeaderFilter::Facts& header_facts() const { return facts_; }
  // X8: the report to send to the sender of the last transaction, if one was requested. Returned
  // only once. Send it when the client has read the replies.
  std::optional<DsnReport> take_report() { return std::exchange(report_, std::nullopt); }
  // Returns the commands that were refused since the last call, for the log.
  std::vector<RefusedCommand> take_refusals() { return std::exchange(refusals_, {}); }
  // Returns the argument of the last LHLO.
  const std::string& hello() const { return hello_; }
  // Returns the envelope of the transaction so far. Requires in_transaction().
  const Envelope& envelope() const { return transaction_->envelope(); }
  // Returns the sender of the transaction in angle brackets; empty if there is none.
  std::string sender() const {
    return transaction_ ? transaction_->envelope().sender.bracketed() : std::string();
  }
  // Returns the recipients that were refused after all content had been read, for the log. Returned
  // only once.
  std::vector<Refused> take_refused() { return std::exchange(refused_, {}); }

 private:
  friend struct CommandTable;
  friend struct ParameterTable;
  enum class Phase { kCommand, kAuth, kClosed };
  enum class LookupResult { kNothing, kMail, kRecipient, kVerify, kContent, kTls, kAuth };

  // The octets of a refused BDAT, and the reply to send after them.
  struct DiscardedChunk {
    ChunkReader octets;
    std::optional<Reply> reply;
  };

  // session.cc: from octets to events. A function that returns nothing has changed the state: call
  // step() again.
  std::optional<Event> step(std::string_view& input);
  std::optional<Event> next_command(std::string_view& input);
  std::optional<Event> next_content(std::string_view& input);
  std::optional<Event> next_octets(std::string_view& input);
  std::optional<Event> next_discarded(std::string_view& input);
  std::optional<Event> filtered();
  Content stored(std::string_view octets);
  std::optional<Event> take_in(std::string_view octets);
  std::optional<Event> end_chunk();
  std::optional<Event> end_content();
  std::optional<Event> drop_content();
  std::string recipient_lines(const Recipient& recipient) const;
  void settled();
  bool wants_report() const;
  void end_transaction();

  // commands.cc: the table, and the verbs without a file of their own. Each appends its reply to
  // output_, or returns the event that asks the worker.
  std::optional<Event> run(std::string_view line);
  std::optional<Reply> has_lasted_too_long(const Command& command);
  std::size_t line_limit(const Command& command) const;
  std::optional<Event> lhlo(std::string_view argument);
  std::optional<Event> not_smtp(std::string_view argument);
  std::optional<Event> rset(std::string_view argument);
  std::optional<Event> noop(std::string_view argument);
  std::optional<Event> help(std::string_view argument);
  std::optional<Event> vrfy(std::string_view argument);
  std::optional<Event> expn(std::string_view argument);
  std::optional<Event> quit(std::string_view argument);
  std::string capabilities() const;
  // envelope_commands.cc
  std::optional<Event> mail(std::string_view argument);
  std::optional<Event> rcpt(std::string_view argument);
  // content_commands.cc
  std::optional<Event> data(std::string_view argument);
  std::optional<Event> bdat(std::string_view argument);
  std::optional<Event> discard_chunk(std::uint64_t octets, std::optional<Reply> reply);
  std::optional<Event> refuse_line(std::string_view line, const Reply& reply);
  void fail_content(const Reply& reply);
  std::optional<Event> refuse_chunk(const Reply& reply);
  // peer_commands.cc: commands about the peer.
  std::optional<Event> starttls(std::string_view argument);
  std::optional<Event> auth(std::string_view argument);
  std::optional<Event> auth_line(std::string_view line);
  std::optional<Event> xforward(std::string_view argument);
  std::optional<Event> xclient(std::string_view argument);
  std::string protocol() const;
  std::optional<Reply> missing_protection() const;

  void say(const Reply& reply) { reply.append_to(output_); }
  // Refuses a command that is syntactically correct. `recipient`: in angle brackets; empty if the
  // command line contains it.
  void decline(const Reply& reply, std::string recipient = {});
  void note_refusal(const Reply& reply, std::string recipient = {});
  // Refuses a command and counts it as an error; closes at max_errors.
  std::optional<Event> complain(const Reply& reply);
  std::optional<Event> close(const Reply& reply);
  // Refuses a command after which the session cannot go on.
  std::optional<Event> give_up(const Reply& reply);

  const SessionOptions& options_;
  SessionPeer peer_;
  Forwarded client_;     // by XCLIENT
  Forwarded forwarded_;  // of the message: by XFORWARD, otherwise client_
  bool authenticated_ = false;
  std::string output_;
  std::string hello_;  // argument of the last LHLO; empty: none yet
  std::vector<RefusedCommand> refusals_;
  std::string_view command_line_;  // the one being executed
  unsigned errors_ = 0;
  unsigned idle_commands_ = 0;  // see SessionOptions
  bool old_ = false;            // it has lasted as long as it may
  std::uint64_t commands_ = 0;
  std::uint64_t transactions_ = 0;  // MAIL commands that were accepted
  Phase phase_ = Phase::kCommand;
  LookupResult asked_ = LookupResult::kNothing;

  LineReader lines_;

  std::optional<Transaction> transaction_;
  Recipient candidate_;  // named by RCPT or VRFY, not answered yet
  std::optional<DiscardedChunk> discarded_;

  // Results of the last transaction.
  std::vector<Refused> refused_;
  HeaderFilter::Facts facts_;
  std::optional<DsnReport> report_;
};

}  // namespace handoff::lmtp
