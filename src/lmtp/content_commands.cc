// DATA and BDAT.
#include "base/text.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {

std::optional<Event> Session::data(std::string_view) {
  if (chunked_) return complain(say::kNotAfterBdat);
  // RFC 2033 4.2: with no successful RCPT, DATA must fail with 503.
  if (transaction_->envelope().recipients.empty()) return complain(say::kNoRecipients);
  if (transaction_->envelope().body == Body::kBinaryMime) return complain(say::kBinaryNeedsBdat);
  asked_ = Asked::kContent;
  return ContentBegins{transaction_->envelope()};
}

// Reads the octets of a chunk that nobody wants, so that they are never run as commands; `then` is
// said behind them.
std::optional<Event> Session::swallow(std::uint64_t octets, std::optional<Reply> then) {
  chunk_.begin(octets);
  after_chunk_ = std::move(then);
  phase_ = Phase::kSwallow;
  return std::nullopt;
}

// RFC 3030 2: "BDAT" SP chunk-size [ SP "LAST" ]
std::optional<Event> Session::bdat(std::string_view argument) {
  auto word = argument.substr(0, argument.find(' '));
  auto rest = trim(argument.substr(word.size()));
  auto octets = parse_number(word);
  if (!octets) {
    // A number beyond counting is followed by content all the same: there is no way on.
    bool number = word.find_first_not_of("0123456789") == word.npos;
    return number ? close(say::kBadChunk) : complain(say::kBadChunk);
  }
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
