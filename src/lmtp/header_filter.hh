// The header of a message on its way to the spool. Takes out what must not be there twice
// (Return-Path:), and notes what delivery wants to know: hops, Delivered-To:, Message-ID:, and the
// queue manager's name for the message. Content passes in slices; of a line only the start of its
// name with the blanks behind it, and of a noted one at most kMaxValue octets, are held. The
// header ends at an empty line, or at a line that is no field (RFC 5322 2.2); behind it nothing is
// looked at any more.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace handoff::lmtp {

class HeaderFilter {
 public:
  // What was noted so far; complete once the header has passed.
  struct Facts {
    unsigned received = 0;   // Received: lines
    std::string message_id;  // with its angle brackets
    std::string queue_id;    // of the newest Received: line, behind " id "
  };

  // Called with the value of each Delivered-To: line, trimmed, but for one above all Received:
  // lines whose next is another program's: who hands the message over has put it there just now, as
  // OpenSMTPD does before it runs mail.lmtp, and Postfix with the flag D. A message that came round
  // has a Received: line above, or ours right below.
  using DeliveredTo = std::function<void(std::string_view)>;

  explicit HeaderFilter(DeliveredTo delivered_to) : delivered_to_(std::move(delivered_to)) {}

  // Takes octets off the front of `piece`; returns what is to be stored of them, which lies in
  // `piece` or in the filter (until the next call). May return nothing and yet consume.
  std::string_view next(std::string_view& piece);
  // The content has ended: what was held back of an unfinished line.
  std::string_view finish();

  const Facts& facts() const { return facts_; }
  // Whether what was returned last is of the header, as far as is known by then: of a line whose
  // name is very long it turns out behind its beginning.
  bool in_header() const { return state_ != State::kBody && colon_ != Colon::kMissing; }

 private:
  enum class State { kName, kLine, kBody };
  enum class Header { kOther, kReturnPath, kReceived, kDeliveredTo, kMessageId };
  static constexpr std::size_t kMaxName = 16;    // longer than any name of interest with its colon
  static constexpr std::size_t kMaxValue = 998;  // RFC 5322 2.1.1: the longest line

  bool name_is_complete() const;
  void begin_line();
  void note(std::string_view line);
  void look_for_colon(std::string_view octets);
  void end_line();
  void end_header();
  void settle_first(std::string_view received);

  DeliveredTo delivered_to_;
  Facts facts_;
  State state_ = State::kName;
  Header header_ = Header::kOther;  // that the line belongs to; folded lines keep it
  // What makes the line a field, which may be far behind kMaxName.
  enum class Colon { kSeen, kBehindName, kBehindBlanks, kMissing };
  Colon colon_ = Colon::kSeen;
  std::string held_;   // start of a line whose header is not known yet
  std::string given_;  // what held_ was when it was handed out
  std::string first_;  // a Delivered-To: that stood above all Received: lines so far
  std::string value_;  // of a header of interest, unfolded
};

}  // namespace handoff::lmtp
