// Replies: a code, an enhanced status code and a text (RFC 5321 4.2, RFC 2034, RFC 3463). The texts
// are in replies.hh; this file turns them into octets.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace handoff::lmtp {

// One row of the table of replies. `status` is empty for replies that must have none: 220, 354,
// LHLO. Reply replaces `$1` and `$2` in `text`. `reason`: what refusals are counted by
// (board::kRefusals).
struct Phrase {
  int code;
  std::string_view status;
  std::string_view text;
  std::string_view reason = "protocol";
};

struct Reply {
  int code = 0;
  std::string status;
  std::string text;         // lines are separated by '\n'
  std::string_view reason;  // of its phrase

  Reply() = default;
  Reply(const Phrase& phrase, std::initializer_list<std::string_view> arguments = {});

  // RFC 2033 4: a Positive Completion reply.
  bool positive() const { return code / 100 == 2; }
  // "550 5.1.1 no such mailbox", for the log.
  std::string one_line() const;
  // Appends the reply with its line ends, and truncates lines that are too long for a reply. RFC
  // 2034 4: every line has the status code.
  void append_to(std::string& out) const;
};

}  // namespace handoff::lmtp
