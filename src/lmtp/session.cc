#include "lmtp/session.hh"

#include <algorithm>

#include "base/text.hh"
#include "lmtp/command.hh"
#include "lmtp/replies.hh"
#include "lmtp/trace.hh"

namespace handoff::lmtp {
namespace {

using ContentPhase = IncomingContent::Phase;

constexpr unsigned kMaxHops = 100;        // RFC 5321 6.3
constexpr std::size_t kMostNoted = 1000;  // octets of a refused command in the log

Reply too_large(std::uint64_t size, const SessionOptions& options) {
  return {say::kTooLarge, {std::to_string(size), std::to_string(options.max_message_size)}};
}

}  // namespace

Session::Session(const SessionOptions& options, SessionPeer peer)
    : options_(options), peer_(std::move(peer)), lines_(options.lenient_newlines) {
  say({say::kGreeting, {options_.hostname}});
}

Event Session::next(std::string_view& input) {
  if (asked_ != LookupResult::kNothing) std::abort();  // an event was not answered
  for (;;) {
    if (auto event = step(input)) return *event;
  }
}

std::optional<Event> Session::step(std::string_view& input) {
  if (phase_ == Phase::kClosed) return Closed{};
  if (discarded_) return next_discarded(input);
  if (in_content()) return next_content(input);
  return next_command(input);
}

std::optional<Event> Session::next_command(std::string_view& input) {
  auto line = lines_.next(input, phase_ == Phase::kAuth ? kAuthLine : kMaxLine);
  if (!line) return NeedInput{};
  ++commands_;
  command_line_ = {};
  if (std::exchange(phase_, Phase::kCommand) == Phase::kAuth) {
    return line->too_long ? complain(say::kLineTooLong) : auth_line(line->text);
  }
  if (line->too_long) return refuse_line(line->text, say::kLineTooLong);
  return run(line->text);
}

std::optional<Event> Session::next_content(std::string_view& input) {
  IncomingContent& content = *transaction_->content;
  switch (content.phase) {
    case ContentPhase::kTrace:
      content.phase = ContentPhase::kOctets;
      return Content{content.trace, true};
    case ContentPhase::kOctets:
      return next_octets(input);
    case ContentPhase::kEnding:
      return end_content();
    case ContentPhase::kBetweenChunks:
      return next_command(input);
    case ContentPhase::kSettling:
      break;  // ContentEnds was not answered for every recipient
  }
  std::abort();
}

std::optional<Event> Session::next_octets(std::string_view& input) {
  IncomingContent& content = *transaction_->content;
  if (content.refusal && content.stored) return drop_content();
  if (auto event = filtered()) return event;
  if (content.chunked && content.chunk.done()) return end_chunk();
  if (input.empty()) return NeedInput{};
  if (content.chunked) {
    return take_in(content.chunk.next(input));
  }
  auto piece = content.data.next(input);
  if (!piece.end) return take_in(piece.octets);
  content.phase = ContentPhase::kEnding;
  return std::nullopt;
}

std::optional<Event> Session::take_in(std::string_view octets) {
  IncomingContent& content = *transaction_->content;
  content.unfiltered = octets;
  content.size += octets.size();
  // BINARYMIME content is not divided into lines.
  bool lines = transaction_->envelope().body != Body::kBinaryMime;
  if (options_.reject_bare_newlines && lines) content.newlines.look_at(octets);
  if (!content.refusal && content.size > options_.max_message_size)
    content.refusal = say::kTooLarge;
  bool relayed = content.relayed && !content.refusal && !octets.empty();
  return relayed ? std::optional<Event>(RawContent{octets}) : std::nullopt;
}

// Returns octets that have passed the header filter, or nothing if all available octets have.
std::optional<Event> Session::filtered() {
  IncomingContent& content = *transaction_->content;
  if (!content.delayed.empty() && !content.refusal) {
    return stored(std::exchange(content.delayed, {}));
  }
  while (!content.unfiltered.empty()) {
    auto octets = content.filter.next(content.unfiltered);
    if (!octets.empty() && !content.refusal) return stored(octets);
  }
  return std::nullopt;
}

// Returns octets for the worker to store, and copies the header for the report. If the body begins
// without a blank line before it, it gets one; otherwise readers would consider its first line part
// of the header. BINARYMIME is stored exactly as received (X6).
Content Session::stored(std::string_view octets) {
  IncomingContent& content = *transaction_->content;
  bool binary = transaction_->envelope().body == Body::kBinaryMime;
  auto blank_line = content.filter.blank_line();
  bool missing = blank_line != HeaderFilter::BlankLine::kPresent;
  if (missing && !binary && !std::exchange(content.blank_line, true)) {
    content.delayed = octets;
    return {"\r\n", blank_line == HeaderFilter::BlankLine::kMissingAtStart};
  }
  if (content.report) {
    if (content.filter.in_header()) {
      content.report->header.take(octets);
    } else {
      content.report->header.end();
    }
  }
  return {octets, false};
}

std::optional<Event> Session::end_chunk() {
  IncomingContent& content = *transaction_->content;
  content.phase = content.last_chunk ? ContentPhase::kEnding : ContentPhase::kBetweenChunks;
  if (content.last_chunk) return std::nullopt;
  if (!content.refusal) {
    say({say::kChunkOk, {std::to_string(content.chunk_size)}});
  } else if (content.size > options_.max_message_size) {
    say(too_large(content.size, options_));
  } else {
    say(*content.refusal);
  }
  return std::nullopt;
}

std::optional<Event> Session::next_discarded(std::string_view& input) {
  command_line_ = {};
  discarded_->octets.next(input);
  if (!discarded_->octets.done()) return NeedInput{};
  auto reply = std::exchange(discarded_, std::nullopt)->reply;
  return reply ? complain(*reply) : std::nullopt;
}

// Called when all content has been read.
std::optional<Event> Session::end_content() {
  IncomingContent& content = *transaction_->content;
  if (auto event = filtered()) return event;
  auto rest = content.filter.finish();
  if (!rest.empty() && !content.refusal) return stored(rest);
  facts_ = content.filter.facts();
  idle_commands_ = 0;

  if (content.size > options_.max_message_size) {
    content.refusal = too_large(content.size, options_);  // RFC 1870 6.3: with the true size
  } else if (!content.refusal && content.newlines.bare(true)) {
    content.refusal = say::kBareNewline;
  } else if (!content.refusal && facts_.received > kMaxHops) {
    content.refusal = Reply(say::kTooManyHops, {std::to_string(kMaxHops)});
  }
  if (content.refusal) transaction_->settle_all(*content.refusal);
  if (options_.max_delivered_to > 0) transaction_->settle_loops(options_.max_delivered_to);
  refused_ = transaction_->refused();

  std::vector<Delivery> deliveries;
  for (const Recipient* recipient : transaction_->unsettled()) {
    deliveries.push_back({recipient, content.personal ? recipient_lines(*recipient) : ""});
  }
  if (!deliveries.empty()) {
    content.phase = ContentPhase::kSettling;
    return ContentEnds{transaction_->envelope(), std::move(deliveries)};
  }
  auto event = drop_content();
  settled();
  return event;
}

// Tells the worker to delete the stored octets, if any.
std::optional<Event> Session::drop_content() {
  bool stored =
      transaction_ && transaction_->content && std::exchange(transaction_->content->stored, false);
  return stored ? std::optional<Event>(ContentDropped{}) : std::nullopt;
}

// Sends the known replies. After the last one the transaction ends.
void Session::settled() {
  if (!transaction_->take_replies(output_)) return;
  report_ = std::move(transaction_->content->report);
  if (report_ && report_->delivered.empty()) report_.reset();
  end_transaction();
}

void Session::end_transaction() {
  transaction_.reset();
  forwarded_ = client_;
}

// Returns the header fields of a recipient's own copy.
std::string Session::recipient_lines(const Recipient& recipient) const {
  std::string lines;
  if (options_.delivered_to != DeliveredTo::kNever) lines = delivered_to_line(recipient.mailbox);
  if (peer_.trusted && recipient.original) lines += original_to_line(*recipient.original);
  return lines;
}

void Session::accept_mail() {
  asked_ = LookupResult::kNothing;
  ++transactions_;
  say(say::kSenderOk);
}

void Session::accept_recipient(Mailbox mailbox) {
  accept_recipient(std::move(mailbox), say::kRecipientOk, false);
}

void Session::accept_recipient(Mailbox mailbox, const Reply& reply, bool reports) {
  if (std::exchange(asked_, LookupResult::kNothing) == LookupResult::kVerify) {
    say({say::kVerified, {mailbox.address}});
    return;
  }
  if (has_new_owner(mailbox)) {
    decline({say::kNewOwner, {candidate_.address.text()}}, candidate_.address.bracketed());
    return;
  }
  candidate_.mailbox = std::move(mailbox);
  if (reports) candidate_.notify_success = false;
  transaction_->add(std::move(candidate_));
  say(reply);
}

bool Session::has_new_owner(const Mailbox& mailbox) const {
  return candidate_.valid_since && mailbox.owned_since &&
         *mailbox.owned_since > *candidate_.valid_since;
}

void Session::cannot_verify() {
  asked_ = LookupResult::kNothing;
  say({say::kCannotVerify, {candidate_.address.text()}});
}

void Session::accept_content(const TraceFacts& facts) {
  asked_ = LookupResult::kNothing;
  const Envelope& envelope = transaction_->envelope();
  if (!transaction_->content) {
    say(say::kStart);
    transaction_->content.emplace(false, *transaction_);
  }
  IncomingContent& content = *transaction_->content;
  content.trace = return_path_line(envelope.sender);
  auto recipients = transaction_->unsettled();
  std::erase_if(recipients, [](const Recipient* r) { return r->mailbox.backend.has_value(); });
  bool alone = recipients.size() == 1;
  if (alone) content.trace += recipient_lines(*recipients.front());
  content.personal = !alone && options_.delivered_to == DeliveredTo::kAlways;
  content.trace += received_lines(
      envelope,
      {forwarded_.hello_or(hello_), forwarded_.peer_or(peer_.text), options_.hostname, protocol()},
      facts);
  if (wants_report()) {
    content.report.emplace(
        DsnReport{envelope.sender, envelope.utf8, envelope.envelope_id, facts.date, {}, {}});
  }
  content.stored = true;
  content.relayed = envelope.any_remote();
  content.phase = ContentPhase::kTrace;
}

// RFC 3461 6.2: only if NOTIFY=SUCCESS asks for a report, and only if the sender can receive mail.
bool Session::wants_report() const {
  const Envelope& envelope = transaction_->envelope();
  const Sender& sender = envelope.sender;
  bool reachable = !sender.null() && sender.valid && (envelope.utf8 || all_ascii(sender.text));
  return options_.dsn && reachable &&
         std::ranges::any_of(envelope.recipients,
                             [](const Recipient& r) { return r.notify_success; });
}

void Session::refuse(const Reply& reply) {
  switch (std::exchange(asked_, LookupResult::kNothing)) {
    case LookupResult::kNothing:
      std::abort();
    case LookupResult::kMail:
      transaction_.reset();
      break;
    case LookupResult::kContent:
      if (transaction_->content) {  // the octets of a BDAT follow even if it is refused
        transaction_->content->refusal = reply;
        return;
      }
      break;
    case LookupResult::kTls:
      break;
    case LookupResult::kAuth:
      phase_ = Phase::kCommand;
      if (reply.code / 100 != 5) break;
      // Limits a client that guesses passwords to max_errors attempts. The worker has already
      // logged the refusal.
      complain(reply);
      refusals_.pop_back();
      return;
    case LookupResult::kRecipient:
    case LookupResult::kVerify:
      break;
  }
  say(reply);
}

void Session::content_failed(const Reply& reply) {
  IncomingContent& content = *transaction_->content;
  content.stored = false;
  content.refusal = reply;
  if (content.phase == ContentPhase::kSettling) {
    transaction_->settle_all(reply);
    settled();
  }
}

void Session::settle(const Recipient& recipient, const Reply& reply) {
  for (const Recipient* each : transaction_->settle(recipient, reply)) {
    auto& report = transaction_->content->report;
    if (report && reply.positive() && each->notify_success) report->delivered.push_back(*each);
  }
  settled();
}

void Session::refuse_peer(const Reply& reply) {
  output_.clear();
  close(reply);
}

void Session::shut_down() { close({say::kShutdown, {options_.hostname}}); }

void Session::time_out(std::uint64_t seconds) {
  close({say::kTimeout, {options_.hostname, std::to_string(seconds)}});
}

void Session::make_room(std::uint64_t seconds) {
  close({say::kOthersWait, {options_.hostname, std::to_string(seconds)}});
}

bool Session::in_content() const { return discarded_ || (transaction_ && transaction_->content); }

void Session::note_refusal(const Reply& reply, std::string recipient) {
  // Finds the address as the client wrote it: up to the '>', or up to a space if it has no
  // brackets.
  auto address_after = [&](std::string_view words) {
    if (!istarts_with(command_line_, words)) return std::string();
    auto text = trim(command_line_.substr(words.size()));
    auto length = path_length(text);
    if (length == 0) length = text.starts_with('<') ? text.npos : text.find(' ');
    return std::string(text.substr(0, std::min(length, kMostNoted)));
  };
  if (recipient.empty()) recipient = address_after("RCPT TO:");
  if (recipient.empty()) recipient = address_after("VRFY ");
  auto verb = command_line_.substr(0, command_line_.find_first_of(" \t"));
  refusals_.push_back({reply, std::string(verb),
                       transaction_ ? sender() : address_after("MAIL FROM:"),
                       std::move(recipient)});
}

void Session::decline(const Reply& reply, std::string recipient) {
  note_refusal(reply, std::move(recipient));
  say(reply);
}

std::optional<Event> Session::complain(const Reply& reply) {
  decline(reply);
  if (++errors_ < options_.max_errors) return std::nullopt;
  return close({say::kTooManyErrors, {options_.hostname}});
}

std::optional<Event> Session::give_up(const Reply& reply) {
  errors_ = std::max(errors_, options_.max_errors);
  note_refusal(reply);
  return close(reply);
}

std::optional<Event> Session::close(const Reply& reply) {
  say(reply);
  phase_ = Phase::kClosed;
  return Closed{};
}

}  // namespace handoff::lmtp
