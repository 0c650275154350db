// An LMTP session without its I/O: octets in, events and replies out. It owns the protocol's state
// and knows no descriptor, clock or file.
//
// Calling sequence, by the worker:
//
//   Session session(options, from);
//   for (;;) {
//     Event event = session.next(input);      // input: what was read and not yet consumed
//     NeedInput        -> write session.output(), read more
//     MailBegins       -> is there room? accept_mail() or refuse()
//     RecipientNamed   -> look it up; accept_recipient(), cannot_verify() or refuse()
//     ContentBegins    -> open a staging file; accept_content() or refuse()
//     Content          -> store the octets; on failure content_failed()
//     ContentDropped   -> throw away what was stored
//     ContentEnds      -> make it durable; settle() each recipient, in any order, as it is known
//     TlsBegins        -> shake hands; tls_started()
//     AuthStep         -> ask SASL; auth_challenge(), auth_succeeded() or refuse()
//     Closed           -> write session.output(), close
//   }
//
// Every event that asks is answered before the next call of next(). Views in events lie in `input`
// or in the session and are valid until that call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/envelope.hh"
#include "lmtp/chunk_reader.hh"
#include "lmtp/data_reader.hh"
#include "lmtp/dsn_report.hh"
#include "lmtp/forwarded.hh"
#include "lmtp/header_filter.hh"
#include "lmtp/line_reader.hh"
#include "lmtp/newline_check.hh"
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
  bool verify;  // VRFY: nothing will be delivered
};
struct ContentBegins {
  const Envelope& envelope;
};
struct Content {
  std::string_view octets;  // lines end in CRLF, dots are undone
  bool trace = false;       // the trace header, which comes first and is ours
};
struct ContentDropped {};
struct Delivery {
  const Recipient* recipient;
  std::string header;  // lines for this recipient alone, ending in CRLF; mostly none
};
struct ContentEnds {
  const Envelope& envelope;
  std::vector<Delivery> deliveries;  // one for each mailbox, in RCPT order; never empty
};
// STARTTLS was answered with 220: write output(), throw away what was read and not consumed, shake
// hands, then tls_started(), or end the connection.
struct TlsBegins {};
// AUTH, and each further line of its exchange; `response` is base64 as sent, nothing where AUTH had
// none. Answered by auth_challenge(), auth_succeeded() or refuse().
struct AuthStep {
  std::string_view mechanism;  // empty: the exchange goes on
  std::optional<std::string_view> response;
};
struct Closed {};

using Event = std::variant<NeedInput, MailBegins, RecipientNamed, ContentBegins, Content,
                           ContentDropped, ContentEnds, TlsBegins, AuthStep, Closed>;

// When Delivered-To: is written: where there is one mailbox to deliver to, always (each of several
// mailboxes then gets a copy of its own), or never.
enum class DeliveredTo { kAuto, kAlways, kNever };

struct SessionOptions {
  std::string hostname;
  std::uint64_t max_message_size = 50 << 20;  // octets
  std::size_t max_recipients = 1000;          // a transaction
  unsigned max_errors = 20;  // refused commands a session; unknown recipients are none
  bool lenient_newlines = false;
  bool reject_bare_newlines = false;
  bool bare_local = false;  // addresses without a domain are accepted
  DeliveredTo delivered_to = DeliveredTo::kAuto;
  std::uint64_t max_transactions = 0;  // a session (LIMITS MAILMAX, RFC 9422); 0: any number
  bool utf8 = false;                   // SMTPUTF8
  bool dsn = false;                    // there is somebody to send NOTIFY=SUCCESS reports
  bool rrvs = false;                   // the lookup knows since when a mailbox has its owner
  bool require_tls = false;            // MAIL and VRFY need STARTTLS first
  bool require_auth = false;           // MAIL and VRFY need AUTH first
};

// The peer of one session, and what the connection can do.
struct SessionPeer {
  std::string text;             // how Received: names it: "[192.0.2.1]" or "local"
  bool trusted = false;         // may use XFORWARD, XCLIENT and ORCPT
  bool tls = false;             // the connection is encrypted already
  bool can_tls = false;         // STARTTLS is offered
  bool remote = false;          // comes over TCP: it may have to authenticate
  std::string mechanisms = {};  // of AUTH, parted by blanks; empty: none is offered
};

class Session {
 public:
  // Puts the greeting into output(). `options` must outlive the session.
  Session(const SessionOptions& options, SessionPeer peer);

  Event next(std::string_view& input);

  // Answers to events.
  void accept_mail();
  void accept_recipient(Mailbox mailbox);
  void cannot_verify();
  void accept_content(const TraceFacts& facts);
  // The session begins anew (RFC 3207 4.2), with these mechanisms of AUTH. `trusted`: the client's
  // certificate makes it so. Also before the first next(), where TLS comes before the greeting.
  void tls_started(std::string mechanisms, bool trusted = false);
  void auth_challenge(std::string_view base64);
  void auth_succeeded();
  // The answer "no" to whatever was asked.
  void refuse(const Reply& reply);
  // Storing went wrong: the rest of the content is read and thrown away, every recipient gets
  // `reply`.
  void content_failed(const Reply& reply);
  void settle(const Recipient& recipient, const Reply& reply);

  // From outside the protocol, between two calls of next(). The session is Closed after each.
  void refuse_peer(std::string_view address);
  void shut_down();
  void time_out(std::uint64_t seconds);
  // Whether content is being received: then the deadline is that of data, and in a transaction a
  // shutdown waits (S11). The octets of a refused BDAT may belong to none.
  bool in_content() const;
  bool in_transaction() const { return transaction_.has_value(); }
  // Whether it is Closed because of too many errors, or of one behind which there was no way on.
  bool gave_up() const { return errors_ >= options_.max_errors; }
  // Command lines read so far: a deadline for the next one begins with the last.
  std::uint64_t commands() const { return commands_; }
  // How many have begun.
  std::uint64_t transactions() const { return transactions_; }

  // Replies not yet written, in order; the worker takes from its front.
  std::string& output() { return output_; }
  // Who the client is by XFORWARD or XCLIENT; empty where a trusted peer did not say.
  const Forwarded& forwarded() const { return forwarded_; }
  // What the header of the content told; complete at ContentEnds.
  const HeaderFilter::Facts& header_facts() const { return facts_; }
  // X8: what the sender asked to be told of the transaction that has ended, if anything; once. To
  // be sent when its replies are.
  std::optional<DsnReport> take_report() { return std::exchange(report_, std::nullopt); }
  // The last command that was refused, for the log; empty where none was since the last call.
  std::string take_refusal() { return std::exchange(refusal_, {}); }
  // Who was refused now that all of the content has been read, for the log; once.
  std::vector<Refused> take_refused() { return std::exchange(refused_, {}); }

 private:
  friend struct CommandTable;
  friend struct ParameterTable;
  enum class Phase { kCommand, kAuth, kTrace, kData, kChunk, kSwallow, kEnding, kSettle, kClosed };
  enum class Asked { kNothing, kMail, kRecipient, kVerify, kContent, kTls, kAuth };

  // session.cc: octets to events. Nothing returned: look again, the phase has changed.
  std::optional<Event> step(std::string_view& input);
  std::optional<Event> next_command(std::string_view& input);
  std::optional<Event> next_data(std::string_view& input);
  std::optional<Event> next_chunk(std::string_view& input);
  std::optional<Event> next_swallowed(std::string_view& input);
  std::optional<Event> filtered();
  void copy_header(std::string_view octets);
  void take_in(std::string_view octets);
  std::optional<Event> end_content();
  std::optional<Event> drop_content();
  std::string recipient_lines(const Recipient& recipient) const;
  void settled();
  void begin_report(const TraceFacts& facts);
  void end_transaction();

  // commands.cc: the table, and the verbs that stand by themselves. Each answers into output_, or
  // returns the event that asks.
  std::optional<Event> run(std::string_view line);
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
  std::optional<Event> swallow(std::uint64_t octets, std::optional<Reply> then);
  std::optional<Event> refuse_line(std::string_view line, const Reply& reply);
  void spoil(const Reply& reply);
  std::optional<Event> refuse_chunk(const Reply& reply);
  // peer_commands.cc: what is said about the peer itself.
  std::optional<Event> starttls(std::string_view argument);
  std::optional<Event> auth(std::string_view argument);
  std::optional<Event> auth_line(std::string_view line);
  std::optional<Event> xforward(std::string_view argument);
  std::optional<Event> xclient(std::string_view argument);
  std::string protocol() const;
  std::optional<Reply> missing_protection() const;

  void say(const Reply& reply) { reply.append_to(output_); }
  // Says why a command is refused, though there is nothing wrong with it.
  void decline(const Reply& reply);
  // Says why a command is refused; counts it, and closes at max_errors.
  std::optional<Event> complain(const Reply& reply);
  std::optional<Event> close(const Reply& reply);
  // The same where that is a refusal, behind which there is no way on.
  std::optional<Event> give_up(const Reply& reply);

  const SessionOptions& options_;
  SessionPeer peer_;
  Forwarded client_;     // by XCLIENT
  Forwarded forwarded_;  // of the message: by XFORWARD, else client_
  bool authenticated_ = false;
  std::string output_;
  std::string hello_;  // argument of the last LHLO; empty: none yet
  std::string refusal_;
  std::vector<Refused> refused_;
  unsigned errors_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t transactions_ = 0;  // MAIL commands that were accepted
  Phase phase_ = Phase::kCommand;
  Asked asked_ = Asked::kNothing;

  LineReader lines_;
  std::string_view line_;  // the command being run

  std::optional<Transaction> transaction_;
  Recipient candidate_;  // named by RCPT or VRFY, not yet answered for

  // Content.
  DataReader data_;
  ChunkReader chunk_;
  std::uint64_t chunk_size_ = 0;  // octets, as BDAT said
  bool last_chunk_ = false;
  std::optional<Reply> after_chunk_;  // said when a refused chunk has been swallowed
  bool chunked_ = false;              // the transaction's content comes by BDAT
  bool stored_ = false;               // the worker holds a staging file
  std::optional<Reply> doom_;         // nobody gets the content, and why: it is read and discarded
  std::uint64_t size_ = 0;            // octets of content so far
  std::string trace_;
  bool personal_ = false;   // each delivery gets a Delivered-To: of its own
  std::string_view piece_;  // content that was read and is not yet through the filter
  std::optional<HeaderFilter> filter_;
  HeaderFilter::Facts facts_;  // of the last content
  NewlineCheck newlines_;
  bool copies_header_ = false;  // for the report
  std::optional<DsnReport> report_;
};

}  // namespace handoff::lmtp
