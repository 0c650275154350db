// Reads the header of a message on its way to the spool. Removes Return-Path:, which must not occur
// twice, and records what delivery needs: the number of hops, Delivered-To:, Message-ID:, and the
// queue manager's name for the message. Content passes in slices. The filter holds the start of
// each line until it knows which field it is, at most kMaxValue octets. The header ends at an empty
// line, or at a line that is not a field (RFC 5322 2.2); the filter does not look at the rest.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace handoff::lmtp {

class HeaderFilter {
 public:
  // The facts recorded so far; complete once the header has passed.
  struct Facts {
    unsigned received = 0;   // Received: lines
    std::string message_id;  // with its angle brackets
    std::string queue_id;    // of the newest Received: line, after " id "
  };

  // Called with the value of each Delivered-To: line, trimmed.
  using DeliveredTo = std::function<void(std::string_view)>;

  explicit HeaderFilter(DeliveredTo delivered_to) : delivered_to_(std::move(delivered_to)) {}

  // Consumes octets from the front of `piece` and returns those to store, which point into `piece`
  // or into the filter (valid until the next call). May consume octets and return nothing.
  std::string_view next(std::string_view& piece);
  // Call at the end of the content. Returns what was held back of an incomplete line.
  std::string_view finish();

  const Facts& facts() const { return facts_; }
  // Whether an empty line separates the header from the body. kMissing: the header ends at a line
  // that is not a field. kMissingAtStart: there is no header at all. (The envelope line of an mbox
  // file counts as a field.) Other values than kPresent apply from the first octets of the body
  // that next() or finish() returns.
  enum class BlankLine { kPresent, kMissing, kMissingAtStart };
  BlankLine blank_line() const { return blank_line_; }
  // Returns whether the octets returned last belong to the header.
  bool in_header() const { return state_ != State::kBody; }

 private:
  enum class State { kName, kLine, kBody };
  enum class Header { kOther, kReturnPath, kReceived, kDeliveredTo, kMessageId };
  static constexpr std::size_t kMaxValue = 998;  // RFC 5322 2.1.1: the longest line

  // The kind of a line, as far as the part of it in held_ shows it. The first four are not final.
  enum class Line { kName, kReturn, kBlanks, kMbox, kField, kFolded, kEmpty, kText };

  Line judged() const;
  Line judged_at_end() const;
  bool is_judged() const;
  void begin_line();
  std::string_view take_held();
  void note(std::string_view line);
  void end_header();

  DeliveredTo delivered_to_;
  Facts facts_;
  State state_ = State::kName;
  Header header_ = Header::kOther;  // of the line; continuation lines keep it
  Line line_ = Line::kName;
  bool first_line_ = true;
  BlankLine blank_line_ = BlankLine::kPresent;
  std::string held_;   // start of a line whose header is not known yet
  std::string given_;  // the last value of held_, which was returned
  std::string value_;  // of a header of interest, unfolded
};

}  // namespace handoff::lmtp
