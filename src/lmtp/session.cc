#include "lmtp/session.hh"

#include <algorithm>

#include "lmtp/command.hh"
#include "lmtp/replies.hh"
#include "lmtp/trace.hh"

namespace handoff::lmtp {
namespace {

constexpr unsigned kMaxHops = 100;  // RFC 5321 6.3

}  // namespace

Session::Session(const SessionOptions& options, SessionPeer peer)
    : options_(options), peer_(std::move(peer)), lines_(options.lenient_newlines) {
  say({say::kGreeting, {options_.hostname}});
}

Event Session::next(std::string_view& input) {
  if (asked_ != Asked::kNothing) std::abort();  // an event was not answered
  for (;;) {
    if (auto event = step(input)) return *event;
  }
}

std::optional<Event> Session::step(std::string_view& input) {
  switch (phase_) {
    case Phase::kCommand:
    case Phase::kAuth:
      return next_command(input);
    case Phase::kTrace:
      phase_ = chunked_ ? Phase::kChunk : Phase::kData;
      return Content{trace_, true};
    case Phase::kData:
      return next_data(input);
    case Phase::kChunk:
      return next_chunk(input);
    case Phase::kSwallow:
      return next_swallowed(input);
    case Phase::kEnding:
      return end_content();
    case Phase::kSettle:
      break;  // ContentEnds was not answered for every recipient
    case Phase::kClosed:
      return Closed{};
  }
  std::abort();
}

std::optional<Event> Session::next_command(std::string_view& input) {
  auto line = lines_.next(input, phase_ == Phase::kAuth ? kAuthLine : kMaxLine);
  if (!line) return NeedInput{};
  ++commands_;
  if (std::exchange(phase_, Phase::kCommand) == Phase::kAuth) {
    return line->too_long ? complain(say::kLineTooLong) : auth_line(line->text);
  }
  if (line->too_long) return refuse_line(line->text, say::kLineTooLong);
  return run(line->text);
}

// Hands out what has been read, through the header filter; nothing when all of it has passed.
std::optional<Event> Session::filtered() {
  while (!piece_.empty()) {
    auto octets = filter_->next(piece_);
    if (!octets.empty() && !doom_) {
      copy_header(octets);
      return Content{octets, false};
    }
  }
  return std::nullopt;
}

void Session::copy_header(std::string_view octets) {
  if (!copies_header_) return;
  if (filter_->in_header()) {
    report_->header.take(octets);
  } else {
    report_->header.end();
  }
}

void Session::take_in(std::string_view octets) {
  piece_ = octets;
  size_ += octets.size();
  // BINARYMIME content has no lines.
  bool lines = transaction_->envelope().body != Body::kBinaryMime;
  if (options_.reject_bare_newlines && lines) newlines_.look_at(octets);
  if (!doom_ && size_ > options_.max_message_size) doom_ = Reply(say::kTooLarge);
}

std::optional<Event> Session::next_data(std::string_view& input) {
  if (doom_ && stored_) return drop_content();
  if (auto event = filtered()) return event;
  if (input.empty()) return NeedInput{};
  auto piece = data_.next(input);
  if (piece.end) {
    phase_ = Phase::kEnding;
  } else {
    take_in(piece.octets);
  }
  return std::nullopt;
}

std::optional<Event> Session::next_chunk(std::string_view& input) {
  if (doom_ && stored_) return drop_content();
  if (auto event = filtered()) return event;
  if (!chunk_.done()) {
    if (input.empty()) return NeedInput{};
    take_in(chunk_.next(input));
    return std::nullopt;
  }
  if (last_chunk_) {
    phase_ = Phase::kEnding;
    return std::nullopt;
  }
  phase_ = Phase::kCommand;
  if (!doom_) {
    say({say::kChunkOk, {std::to_string(chunk_size_)}});
  } else if (size_ > options_.max_message_size) {
    say({say::kTooLarge, {std::to_string(size_), std::to_string(options_.max_message_size)}});
  } else {
    say(*doom_);
  }
  return std::nullopt;
}

std::optional<Event> Session::next_swallowed(std::string_view& input) {
  chunk_.next(input);
  if (!chunk_.done()) return NeedInput{};
  phase_ = Phase::kCommand;
  if (!after_chunk_) return std::nullopt;
  return complain(*std::exchange(after_chunk_, std::nullopt));
}

// All of the content has been read.
std::optional<Event> Session::end_content() {
  auto rest = filter_->finish();
  if (!rest.empty() && !doom_) {
    copy_header(rest);
    return Content{rest, false};
  }
  facts_ = filter_->facts();

  if (size_ > options_.max_message_size) {
    // RFC 1870 6.3: the size is known now, and told.
    doom_ =
        Reply(say::kTooLarge, {std::to_string(size_), std::to_string(options_.max_message_size)});
  } else if (!doom_ && newlines_.bare(true)) {
    doom_ = Reply(say::kBareNewline);
  } else if (!doom_ && facts_.received > kMaxHops) {
    doom_ = Reply(say::kTooManyHops, {std::to_string(kMaxHops)});
  }
  if (doom_) transaction_->settle_all(*doom_);
  transaction_->settle_loops();
  refused_ = transaction_->refused();

  std::vector<Delivery> deliveries;
  for (const Recipient* recipient : transaction_->unsettled()) {
    deliveries.push_back({recipient, personal_ ? recipient_lines(*recipient) : ""});
  }
  if (!deliveries.empty()) {
    phase_ = Phase::kSettle;
    return ContentEnds{transaction_->envelope(), std::move(deliveries)};
  }
  auto event = drop_content();
  settled();
  return event;
}

// The worker is told to throw away what it stored, if it did.
std::optional<Event> Session::drop_content() {
  if (!std::exchange(stored_, false)) return std::nullopt;
  return ContentDropped{};
}

// Sends on the replies that are known; with the last one the transaction is over.
void Session::settled() {
  if (transaction_->take_replies(output_)) end_transaction();
}

void Session::end_transaction() {
  transaction_.reset();
  phase_ = Phase::kCommand;
  chunked_ = stored_ = false;
  doom_.reset();
  size_ = 0;
  filter_.reset();
  newlines_ = {};
  data_ = {};
  copies_header_ = false;
  if (report_ && report_->delivered.empty()) report_.reset();
  forwarded_ = client_;
}

// What a recipient's own copy says of it.
std::string Session::recipient_lines(const Recipient& recipient) const {
  std::string lines;
  if (options_.delivered_to != DeliveredTo::kNever) lines = delivered_to_line(recipient.mailbox);
  if (peer_.trusted && recipient.original) lines += original_to_line(*recipient.original);
  return lines;
}

void Session::accept_mail() {
  asked_ = Asked::kNothing;
  ++transactions_;
  say(say::kSenderOk);
}

void Session::accept_recipient(Mailbox mailbox) {
  if (std::exchange(asked_, Asked::kNothing) == Asked::kVerify) {
    say({say::kVerified, {mailbox.address}});
    return;
  }
  // RFC 7293 5: the mailbox has had another owner since the sender knew it.
  if (candidate_.valid_since && mailbox.owned_since &&
      *mailbox.owned_since > *candidate_.valid_since) {
    decline(say::kNewOwner);
    return;
  }
  candidate_.mailbox = std::move(mailbox);
  transaction_->add(std::move(candidate_));
  say(say::kRecipientOk);
}

void Session::cannot_verify() {
  asked_ = Asked::kNothing;
  say({say::kCannotVerify, {candidate_.address.text()}});
}

void Session::accept_content(const TraceFacts& facts) {
  asked_ = Asked::kNothing;
  const Envelope& envelope = transaction_->envelope();
  trace_ = return_path_line(envelope.sender);
  bool alone = transaction_->unsettled().size() == 1;
  if (alone) trace_ += recipient_lines(envelope.recipients.front());
  personal_ = !alone && options_.delivered_to == DeliveredTo::kAlways;
  trace_ += received_lines(
      envelope,
      {forwarded_.hello_or(hello_), forwarded_.peer_or(peer_.text), options_.hostname, protocol()},
      facts);
  begin_report(facts);
  filter_.emplace(
      [this](std::string_view address) { transaction_->mark_delivered_before(address); });
  stored_ = true;
  phase_ = Phase::kTrace;
  if (!chunked_) say(say::kStart);
}

// RFC 3461 6.2: a report is owed where NOTIFY=SUCCESS asked for it, and never to the null sender.
void Session::begin_report(const TraceFacts& facts) {
  const Envelope& envelope = transaction_->envelope();
  report_.reset();
  copies_header_ =
      options_.dsn && !envelope.sender.null() &&
      std::ranges::any_of(envelope.recipients, [](const Recipient& r) { return r.notify.success; });
  if (!copies_header_) return;
  report_.emplace(
      DsnReport{envelope.sender, envelope.utf8, envelope.envelope_id, facts.date, {}, {}});
}

void Session::refuse(const Reply& reply) {
  switch (std::exchange(asked_, Asked::kNothing)) {
    case Asked::kNothing:
      std::abort();
    case Asked::kMail:
      transaction_.reset();
      break;
    case Asked::kContent:
      if (chunked_) {  // its octets are coming all the same
        filter_.emplace([](std::string_view) {});
        doom_ = reply;
        phase_ = Phase::kChunk;
        return;
      }
      break;
    case Asked::kTls:
      break;
    case Asked::kAuth:
      phase_ = Phase::kCommand;
      if (reply.code / 100 != 5) break;
      // Whoever tries one password after the other has max_errors tries. The worker has logged it.
      complain(reply);
      refusal_.clear();
      return;
    case Asked::kRecipient:
    case Asked::kVerify:
      break;
  }
  say(reply);
}

void Session::content_failed(const Reply& reply) {
  stored_ = false;
  doom_ = reply;
  if (phase_ == Phase::kSettle) {
    transaction_->settle_all(reply);
    settled();
  }
}

void Session::settle(const Recipient& recipient, const Reply& reply) {
  for (const Recipient* each : transaction_->settle(recipient, reply)) {
    if (report_ && reply.positive() && each->notify.success) report_->delivered.push_back(*each);
  }
  settled();
}

void Session::refuse_peer(std::string_view address) {
  output_.clear();
  close({say::kNotAllowed, {address}});
}

void Session::shut_down() { close({say::kShutdown, {options_.hostname}}); }

void Session::time_out(std::uint64_t seconds) {
  close({say::kTimeout, {options_.hostname, std::to_string(seconds)}});
}

bool Session::in_content() const {
  bool line = phase_ == Phase::kCommand || phase_ == Phase::kAuth;
  return chunked_ || (!line && phase_ != Phase::kClosed);
}

void Session::decline(const Reply& reply) {
  say(reply);
  refusal_ = reply.one_line();
}

std::optional<Event> Session::complain(const Reply& reply) {
  decline(reply);
  if (++errors_ < options_.max_errors) return std::nullopt;
  return close({say::kTooManyErrors, {options_.hostname}});
}

std::optional<Event> Session::give_up(const Reply& reply) {
  errors_ = std::max(errors_, options_.max_errors);
  refusal_ = reply.one_line();
  return close(reply);
}

std::optional<Event> Session::close(const Reply& reply) {
  say(reply);
  phase_ = Phase::kClosed;
  return Closed{};
}

}  // namespace handoff::lmtp
