#include "lmtp/header_filter.hh"

#include <utility>

#include "base/text.hh"

namespace handoff::lmtp {
namespace {

constexpr char kNameEnds[] = ": \t";

// The word after " id " in a Received: line: the queue manager's name for the message.
std::string id_of(std::string_view received) {
  auto at = received.find(" id ");
  if (at == std::string_view::npos) return {};
  auto id = trim(received.substr(at + 4));
  return std::string(id.substr(0, id.find_first_of("; \t")));
}

bool has_mbox_start(std::string_view line) {
  return line.starts_with("From ") || line.starts_with(">From ");
}

// The envelope line of an mbox file, which some senders leave in the message: "From pat@x Thu Jan
// 1 00:00:00 2026". It contains a time or ends in a year; prose that begins with "From " usually
// does neither.
bool is_mbox_envelope(std::string_view line) {
  if (!has_mbox_start(line)) return false;
  unsigned digits = 0;
  for (std::size_t i = 0; i < line.size() && line[i] != '\r' && line[i] != '\n'; ++i) {
    if (digits > 0 && line[i] == ':' && i + 1 < line.size() && is_digit(line[i + 1])) return true;
    digits = is_digit(line[i]) ? digits + 1 : 0;
  }
  return digits == 4;
}

}  // namespace

// Judges the start of a line by its next octet, the last of held_. RFC 5322 2.2: a field has a name
// of printable ASCII without a colon. RFC 5322 4.5 (obsolete syntax): spaces may follow it.
HeaderFilter::Line HeaderFilter::judged() const {
  char c = held_.back();
  bool blank = c == ' ' || c == '\t';
  bool first = held_.size() == 1;
  switch (line_) {
    case Line::kName:
      if (first && blank) return first_line_ ? Line::kText : Line::kFolded;
      if (first && c == '\n') return Line::kEmpty;
      if (first && c == '\r') return Line::kReturn;
      if (c == ':') return first ? Line::kText : Line::kField;
      if (blank) return has_mbox_start(held_) ? Line::kMbox : Line::kBlanks;
      return is_control(c) || !is_ascii(c) ? Line::kText : Line::kName;
    case Line::kReturn:
      return c == '\n' ? Line::kEmpty : Line::kText;
    case Line::kBlanks:
      if (c == ':') return Line::kField;
      return blank ? Line::kBlanks : Line::kText;
    case Line::kMbox:
      return c == '\n' ? judged_at_end() : Line::kMbox;
    default:
      return line_;
  }
}

// The same if no more of the line will be known.
HeaderFilter::Line HeaderFilter::judged_at_end() const {
  if (line_ != Line::kMbox) return Line::kText;
  auto after = held_.find_first_not_of(" \t", held_.find(' '));  // "From : pat@x" is a field
  bool field = after != std::string::npos && held_[after] == ':';
  return field || is_mbox_envelope(held_) ? Line::kField : Line::kText;
}

bool HeaderFilter::is_judged() const {
  return line_ == Line::kField || line_ == Line::kFolded || line_ == Line::kEmpty ||
         line_ == Line::kText;
}

// Called when the kind of the line is known. Decides from held_, its start, to which field it
// belongs.
void HeaderFilter::begin_line() {
  bool first_line = std::exchange(first_line_, false);
  auto line = std::exchange(line_, Line::kName);
  state_ = held_.back() == '\n' ? State::kName : State::kLine;
  if (line == Line::kFolded) return;  // the field is that of the previous line
  end_header();
  if (line != Line::kField) {
    state_ = State::kBody;
    blank_line_ = line == Line::kEmpty ? BlankLine::kPresent
                  : first_line         ? BlankLine::kMissingAtStart
                                       : BlankLine::kMissing;
    return;
  }
  auto name = std::string_view(held_).substr(0, held_.find_first_of(kNameEnds));
  if (iequals(name, "Return-Path")) {
    header_ = Header::kReturnPath;
  } else if (iequals(name, "Received")) {
    header_ = Header::kReceived;
    ++facts_.received;
  } else if (iequals(name, "Delivered-To")) {
    header_ = Header::kDeliveredTo;
  } else if (iequals(name, "Message-ID")) {
    header_ = Header::kMessageId;
  }
}

void HeaderFilter::end_header() {
  std::string_view value = value_;
  auto colon = value.find(':');
  if (colon != std::string_view::npos) {
    value = trim(value.substr(colon + 1));
    if (header_ == Header::kDeliveredTo) delivered_to_(value);
    if (header_ == Header::kMessageId && facts_.message_id.empty()) facts_.message_id = value;
    if (header_ == Header::kReceived && facts_.received == 1) facts_.queue_id = id_of(value);
  }
  value_.clear();
  header_ = Header::kOther;
}

// Keeps a line of a field of interest, unfolded. A continuation line begins with a space or tab,
// which separates it from the previous line.
void HeaderFilter::note(std::string_view line) {
  if (header_ == Header::kOther) return;
  for (char c : line) {
    if (value_.size() >= kMaxValue) break;
    if (c != '\r' && c != '\n') value_ += c == '\t' ? ' ' : c;
  }
}

std::string_view HeaderFilter::next(std::string_view& piece) {
  std::string_view out;
  if (state_ == State::kBody) {
    std::swap(out, piece);
    return out;
  }
  if (state_ == State::kName) {
    while (!piece.empty() && !is_judged()) {
      held_ += piece.front();
      piece.remove_prefix(1);
      line_ = judged();
      if (held_.size() >= kMaxValue && !is_judged()) line_ = judged_at_end();
    }
    return is_judged() ? take_held() : std::string_view();
  }
  auto lf = piece.find('\n');
  auto line = piece.substr(0, lf == std::string_view::npos ? lf : lf + 1);
  piece.remove_prefix(line.size());
  note(line);
  if (lf != std::string_view::npos) state_ = State::kName;
  return header_ == Header::kReturnPath ? std::string_view() : line;
}

std::string_view HeaderFilter::take_held() {
  begin_line();
  note(held_);
  given_.swap(held_);
  held_.clear();
  return header_ == Header::kReturnPath ? std::string_view() : given_;
}

std::string_view HeaderFilter::finish() {
  std::string_view rest;
  if (state_ == State::kName && !held_.empty()) {
    line_ = judged_at_end();
    rest = take_held();
  }
  end_header();
  return rest;
}

}  // namespace handoff::lmtp
