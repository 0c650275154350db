// The plan: the actions that the scripts chose for one recipient. The caller checks it again and
// executes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sieve/message.hh"
#include "sieve/site.hh"

namespace handoff::sieve {

// Where an action stands: script, line, and the rule's name if it has one.
struct Place {
  std::string script;
  std::size_t line = 0;  // 0: the implicit keep
  std::string rule;
};

// A copy in a folder of the recipient.
struct Copy {
  Place place;
  std::string folder;              // UTF-8; empty: the folder for messages without a script
  std::vector<std::string> flags;  // "\Seen", "$label1"
  bool create = false;             // RFC 5490: create the folder if it does not exist
  std::string special_use;  // RFC 8579: use a folder with this special use instead, if there is one
  Edited edited;

  // Returns whether the copy goes where the message would go if there were no script.
  bool keeps() const { return folder.empty() && special_use.empty(); }
};

// The message is redirected (RFC 5228 4.2).
struct Redirect {
  Place place;
  std::string to;
  std::string head;  // fields that precede the header and name the redirecting user
  Edited edited;
};

// RFC 5429: the message is not delivered, and the sender gets the reason.
struct Rejection {
  Place place;
  std::string reason;  // UTF-8
  bool ereject = false;
};

// A message that the script creates: a reply of vacation or a notification by mail. It is sent with
// the null sender or `from` to all of `to`, at most once.
struct Outgoing {
  Place place;
  enum class Kind : std::uint8_t { kVacation, kNotification };
  Kind kind = Kind::kVacation;
  std::string from;  // of the envelope; empty: <>
  std::vector<std::string> to;
  std::string text;  // header and body, CRLF
  // RFC 8580: store a copy of it here.
  std::optional<Copy> copy;
  // Vacation: the mark to set when the plan is executed, so that the sender gets no second reply.
  std::optional<Mark> mark;
  // The reason why it is not sent; empty: it is sent. Example: "the sender is a mailing list".
  std::string withheld;
};

using Action = std::variant<Copy, Redirect, Rejection, Outgoing>;

struct Plan {
  std::vector<Action> actions;  // in the order of the script
  std::vector<Mark> marks;      // of duplicate: to set when the plan is executed
  bool discarded = false;       // a script requested that no copy is stored
  Place discarded_by;           // the discard that was executed, if any
};

}  // namespace handoff::sieve
