#include "lmtp/header_filter.hh"

#include "base/text.hh"

namespace handoff::lmtp {
namespace {

constexpr char kBlanks[] = " \t";
constexpr char kNameEnds[] = ": \t\n";

// The word behind " id " in a Received: line: the queue manager's name for the message.
std::string id_of(std::string_view received) {
  auto at = received.find(" id ");
  if (at == std::string_view::npos) return {};
  auto id = trim(received.substr(at + 4));
  return std::string(id.substr(0, id.find_first_of("; \t")));
}

// Whether trace.cc wrote the Received: line.
bool is_ours(std::string_view received) {
  return received.find(" (handoff) with ") != std::string_view::npos;
}

}  // namespace

// Whether held_ tells which header the line belongs to.
bool HeaderFilter::name_is_complete() const {
  auto end = held_.find_first_of(kNameEnds);
  if (end == std::string::npos) return held_.size() >= kMaxName;
  // Behind a blank it may still turn out to be no header at all.
  bool open = end > 0 && held_[end] != ':' && held_[end] != '\n' && held_.size() < kMaxValue;
  return !open || held_.find_first_not_of(kBlanks, end) != std::string::npos;
}

// held_ is the start of a line: decide whose it is.
void HeaderFilter::begin_line() {
  char first = held_.front();
  if (first == ' ' || first == '\t') {  // folded: the header before goes on
    state_ = State::kLine;
    colon_ = Colon::kSeen;
    return;
  }
  end_header();
  if (held_ == "\n" || held_ == "\r\n") {
    state_ = State::kBody;
    return;
  }
  state_ = State::kLine;
  // The envelope of an mbox file, which some senders leave in, stands before the header.
  bool mbox = held_.starts_with("From ") || held_.starts_with(">From ");
  colon_ = mbox ? Colon::kSeen : Colon::kBehindName;
  look_for_colon(held_);
  // RFC 5322 4.5 (obsolete syntax): blanks may stand before the colon; without a colon it is none.
  auto name = std::string_view(held_).substr(0, held_.find_first_of(kNameEnds));
  if (colon_ != Colon::kSeen) {
    header_ = Header::kOther;
  } else if (iequals(name, "Return-Path")) {
    header_ = Header::kReturnPath;
  } else if (iequals(name, "Received")) {
    header_ = Header::kReceived;
    ++facts_.received;
  } else if (iequals(name, "Delivered-To")) {
    header_ = Header::kDeliveredTo;
  } else if (iequals(name, "Message-ID")) {
    header_ = Header::kMessageId;
  } else {
    header_ = Header::kOther;
  }
}

// A line without a colon behind its name is no field: the body has begun.
void HeaderFilter::look_for_colon(std::string_view octets) {
  if (colon_ == Colon::kBehindName) {
    auto end = octets.find_first_of(kNameEnds);
    if (end == octets.npos) return;
    octets.remove_prefix(end);
    colon_ = Colon::kBehindBlanks;
  }
  if (colon_ == Colon::kBehindBlanks) {
    auto end = octets.find_first_not_of(kBlanks);
    if (end == octets.npos) return;
    colon_ = octets[end] == ':' ? Colon::kSeen : Colon::kMissing;
  }
}

void HeaderFilter::end_line() { state_ = colon_ == Colon::kMissing ? State::kBody : State::kName; }

void HeaderFilter::end_header() {
  std::string_view value = value_;
  auto colon = value.find(':');
  if (colon != std::string_view::npos) {
    value = trim(value.substr(colon + 1));
    if (header_ == Header::kDeliveredTo) {
      if (facts_.received == 0 && first_.empty()) {
        first_ = value;
      } else {
        delivered_to_(value);
      }
    }
    if (header_ == Header::kMessageId && facts_.message_id.empty()) facts_.message_id = value;
    if (header_ == Header::kReceived && facts_.received == 1) {
      facts_.queue_id = id_of(value);
      settle_first(value);
    }
  }
  value_.clear();
  header_ = Header::kOther;
}

// Keeps what a line of a header of interest has, unfolded: a line that goes on begins with a blank
// or a tab, which parts it from the one before.
void HeaderFilter::note(std::string_view line) {
  if (header_ == Header::kOther) return;
  for (char c : line) {
    if (value_.size() >= kMaxValue) break;
    if (c != '\r' && c != '\n') value_ += c == '\t' ? ' ' : c;
  }
}

// received: the first Received: line; empty where there is none.
void HeaderFilter::settle_first(std::string_view received) {
  if (!first_.empty() && (received.empty() || is_ours(received))) delivered_to_(first_);
  first_.clear();
}

std::string_view HeaderFilter::next(std::string_view& piece) {
  std::string_view out;
  if (state_ == State::kBody) {
    std::swap(out, piece);
    return out;
  }
  if (state_ == State::kName) {
    while (!piece.empty() && !name_is_complete()) {
      held_ += piece.front();
      piece.remove_prefix(1);
    }
    if (!name_is_complete()) return {};
    begin_line();
    note(held_);
    if (state_ == State::kLine && held_.back() == '\n') end_line();
    given_.swap(held_);
    held_.clear();
    return header_ == Header::kReturnPath ? std::string_view() : given_;
  }
  auto lf = piece.find('\n');
  auto line = piece.substr(0, lf == std::string_view::npos ? lf : lf + 1);
  piece.remove_prefix(line.size());
  note(line);
  look_for_colon(line);
  if (lf != std::string_view::npos) end_line();
  return header_ == Header::kReturnPath ? std::string_view() : line;
}

std::string_view HeaderFilter::finish() {
  if (state_ == State::kName && !held_.empty()) begin_line();
  bool dropped = header_ == Header::kReturnPath && state_ != State::kBody;
  end_header();
  settle_first({});
  given_.swap(held_);
  held_.clear();
  return dropped ? std::string_view() : given_;
}

}  // namespace handoff::lmtp
