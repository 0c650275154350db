// Replies: a code, an enhanced status code and a text (RFC 5321 4.2, RFC 2034, RFC 3463).
// The phrases that handoff says are in replies.hh; this is how one becomes octets.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace handoff::lmtp {

// One row of the table of replies. `status` is empty where none may stand: 220, 354, LHLO.
// `$1`, `$2` in `text` are filled in by Reply.
struct Phrase {
  int code;
  std::string_view status;
  std::string_view text;
};

struct Reply {
  int code = 0;
  std::string status;
  std::string text;  // several lines are parted by '\n'

  Reply() = default;
  Reply(const Phrase& phrase, std::initializer_list<std::string_view> arguments = {});

  // RFC 2033 4: a Positive Completion reply.
  bool positive() const { return code / 100 == 2; }
  // "550 5.1.1 no such mailbox", as a log line has it.
  std::string one_line() const;
  // Appends the reply with its line ends; a line that would be too long for a reply is cut. RFC
  // 2034 4: every line carries the status code.
  void append_to(std::string& out) const;
};

}  // namespace handoff::lmtp
