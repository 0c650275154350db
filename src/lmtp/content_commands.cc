// DATA and BDAT.
#include "base/text.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {
namespace {

// Returns the digits at the start of BDAT's argument, or nothing if other characters follow
// directly.
std::string_view digits_of(std::string_view argument) {
  auto digits = argument.substr(0, argument.find_first_not_of("0123456789"));
  auto next = argument.substr(digits.size(), 1);
  bool alone = next.empty() || next.front() == ' ' || is_control(next.front());
  return alone ? digits : std::string_view();
}

}  // namespace

std::optional<Event> Session::data(std::string_view) {
  if (transaction_->content) return complain(say::kNotAfterBdat);
  // RFC 2033 4.2: with no successful RCPT, DATA must fail with 503.
  if (transaction_->envelope().recipients.empty()) return complain(say::kNoRecipients);
  if (transaction_->envelope().body == Body::kBinaryMime) return complain(say::kBinaryNeedsBdat);
  asked_ = LookupResult::kContent;
  return ContentBegins{transaction_->envelope()};
}

// RFC 3030 2: a refused BDAT fails the transaction. Chunks that were already sent are discarded
// too: without the refused chunk the message would be incomplete.
void Session::fail_content(const Reply& reply) {
  if (!transaction_) return;
  auto& content = transaction_->content;
  if (!content) content.emplace(true, *transaction_);
  if (!content->refusal) content->refusal = reply;
}

// Refuses a BDAT whose line announces no octets.
std::optional<Event> Session::refuse_chunk(const Reply& reply) {
  fail_content(reply);
  return complain(reply);
}

// Discards the octets of a chunk, so that they are never run as commands, and then sends `reply`.
std::optional<Event> Session::discard_chunk(std::uint64_t octets, std::optional<Reply> reply) {
  if (reply) fail_content(*reply);
  discarded_.emplace(DiscardedChunk{ChunkReader(octets), std::move(reply)});
  return std::nullopt;
}

// Refuses a malformed line before it is run. RFC 3030 2: the octets of a chunk follow BDAT even if
// it is refused.
std::optional<Event> Session::refuse_line(std::string_view line, const Reply& reply) {
  constexpr std::string_view kBdat = "BDAT ";
  if (!istarts_with(line, kBdat)) return complain(reply);
  auto argument = trim(line.substr(kBdat.size()));
  auto digits = digits_of(argument);
  // Only the start of a line that is too long is kept, and it may end within the number.
  bool cut = line.size() == LineReader::kHead && digits.size() == argument.size();
  if (digits.empty() && !cut) return refuse_chunk(reply);
  auto octets = parse_number(digits);
  return octets && !cut ? discard_chunk(*octets, reply) : give_up(reply);
}

// RFC 3030 2: "BDAT" SP chunk-size [ SP "LAST" ]
std::optional<Event> Session::bdat(std::string_view argument) {
  auto digits = digits_of(argument);
  if (digits.empty()) return refuse_chunk(say::kBadChunk);
  auto octets = parse_number(digits);
  // Content of unknown length follows this number too, so the session cannot continue.
  if (!octets) return give_up(say::kBadChunk);
  auto rest = argument.substr(digits.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  bool last = iequals(rest, "LAST");
  if (!last && !rest.empty()) return discard_chunk(*octets, say::kBadChunk);
  if (!transaction_) return discard_chunk(*octets, say::kMailFirst);
  if (transaction_->envelope().recipients.empty()) {
    // RFC 2033 4.3: without a successful RCPT there is no reply after LAST.
    if (!last) return discard_chunk(*octets, say::kNoRecipients);
    end_transaction();
    return discard_chunk(*octets, std::nullopt);
  }
  auto& content = transaction_->content;
  bool first = !content;
  if (first) content.emplace(true, *transaction_);
  content->begin_chunk(*octets, last);
  if (!first) return std::nullopt;
  asked_ = LookupResult::kContent;
  return ContentBegins{transaction_->envelope()};
}

}  // namespace handoff::lmtp
