// DATA and BDAT.
#include "base/text.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {
namespace {

// The digits at the front of BDAT's argument, where they are a number of their own.
std::string_view digits_of(std::string_view argument) {
  auto digits = argument.substr(0, argument.find_first_not_of("0123456789"));
  auto behind = argument.substr(digits.size(), 1);
  bool alone = behind.empty() || behind.front() == ' ' || is_control(behind.front());
  return alone ? digits : std::string_view();
}

}  // namespace

std::optional<Event> Session::data(std::string_view) {
  if (chunked_) return complain(say::kNotAfterBdat);
  // RFC 2033 4.2: with no successful RCPT, DATA must fail with 503.
  if (transaction_->envelope().recipients.empty()) return complain(say::kNoRecipients);
  if (transaction_->envelope().body == Body::kBinaryMime) return complain(say::kBinaryNeedsBdat);
  asked_ = Asked::kContent;
  return ContentBegins{transaction_->envelope()};
}

// RFC 3030 2: with a BDAT that is refused the transaction has failed; the chunks that are on their
// way behind it are discarded too, or the message would have a hole.
void Session::spoil(const Reply& reply) {
  if (!transaction_) return;
  chunked_ = true;
  if (!filter_) filter_.emplace([](std::string_view) {});
  if (!doom_) doom_ = reply;
}

// A BDAT that says of no octets that they follow.
std::optional<Event> Session::refuse_chunk(const Reply& reply) {
  spoil(reply);
  return complain(reply);
}

// Reads the octets of a chunk that nobody wants, so that they are never run as commands; `then` is
// said behind them.
std::optional<Event> Session::swallow(std::uint64_t octets, std::optional<Reply> then) {
  if (then) spoil(*then);
  chunk_.begin(octets);
  after_chunk_ = std::move(then);
  phase_ = Phase::kSwallow;
  return std::nullopt;
}

// Refuses a line for its form, before it is run. RFC 3030 2: a chunk follows its BDAT whatever is
// said to it.
std::optional<Event> Session::refuse_line(std::string_view line, const Reply& reply) {
  constexpr std::string_view kBdat = "BDAT ";
  if (!istarts_with(line, kBdat)) return complain(reply);
  auto argument = trim(line.substr(kBdat.size()));
  auto digits = digits_of(argument);
  // Of a line that is too long the head alone is there, which may end within the number.
  bool cut = line.size() == LineReader::kHead && digits.size() == argument.size();
  if (digits.empty() && !cut) return refuse_chunk(reply);
  auto octets = parse_number(digits);
  return octets && !cut ? swallow(*octets, reply) : give_up(reply);
}

// RFC 3030 2: "BDAT" SP chunk-size [ SP "LAST" ]
std::optional<Event> Session::bdat(std::string_view argument) {
  auto digits = digits_of(argument);
  if (digits.empty()) return refuse_chunk(say::kBadChunk);
  auto octets = parse_number(digits);
  // A number beyond counting is followed by content all the same: there is no way on.
  if (!octets) return give_up(say::kBadChunk);
  auto rest = argument.substr(digits.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  bool last = iequals(rest, "LAST");
  if (!last && !rest.empty()) return swallow(*octets, say::kBadChunk);
  if (!transaction_) return swallow(*octets, say::kMailFirst);
  if (transaction_->envelope().recipients.empty()) {
    // RFC 2033 4.3: no successful RCPT, and so zero replies after LAST.
    if (!last) return swallow(*octets, say::kNoRecipients);
    end_transaction();
    return swallow(*octets, std::nullopt);
  }
  chunk_.begin(*octets);
  chunk_size_ = *octets;
  last_chunk_ = last;
  if (chunked_) {
    phase_ = Phase::kChunk;
    return std::nullopt;
  }
  chunked_ = true;
  asked_ = Asked::kContent;
  return ContentBegins{transaction_->envelope()};
}

}  // namespace handoff::lmtp
