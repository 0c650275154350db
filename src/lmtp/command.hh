// The table of commands: each verb with what its line may be, when it may come, and what runs it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "lmtp/session.hh"

namespace handoff::lmtp {

// RFC 5321 4.5.3.1.4: a command line, with its CRLF. Extensions add to single verbs.
inline constexpr std::size_t kCommandLine = 512;

enum class Argument { kNone, kOptional, kRequired };
enum class Needs { kNothing, kHello, kTransaction };

struct Command {
  std::string_view verb;
  std::size_t extra;  // octets that announced extensions add to kCommandLine
  Argument argument;
  Needs needs;
  std::string_view syntax;
  std::optional<Event> (Session::*run)(std::string_view argument);
};

struct CommandTable {
  static std::span<const Command> all();
};

// RFC 1870 3 (7): 26 for SIZE; RFC 6152 2 (7): 17 for BODY.
inline constexpr std::size_t kMailExtra = 26 + 17;
// The longest line of all.
inline constexpr std::size_t kMaxLine = kCommandLine + kMailExtra;

}  // namespace handoff::lmtp
