// The table of commands: for each verb the syntax of its argument, what must precede it, and the
// function that runs it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "lmtp/session.hh"

namespace handoff::lmtp {

enum class Argument { kNone, kOptional, kRequired };
enum class Needs { kNothing, kHello, kTransaction };

struct Command {
  std::string_view verb;
  Argument argument;
  Needs needs;
  std::string_view syntax;
  std::optional<Event> (Session::*run)(std::string_view argument);
};

struct CommandTable {
  static std::span<const Command> all();
};

// RFC 5321 4.5.3.1.4: the length of a command line with its CRLF, in octets. It has room for a path
// of kPath octets (4.5.3.1.3), and grows if the path is longer. Extensions add:
inline constexpr std::size_t kCommandLine = 512;
inline constexpr std::size_t kPath = 256;
inline constexpr std::size_t kSizeExtra = 26;    // MAIL SIZE=, RFC 1870 3
inline constexpr std::size_t kBodyExtra = 17;    // MAIL BODY=, RFC 6152 2
inline constexpr std::size_t kUtf8Extra = 10;    // MAIL SMTPUTF8, RFC 6531 3.1
inline constexpr std::size_t kRetExtra = 9;      // MAIL RET=, RFC 3461 4.3
inline constexpr std::size_t kEnvidExtra = 107;  // MAIL ENVID=, RFC 3461 4.4
inline constexpr std::size_t kAuthExtra = 500;   // MAIL AUTH=, RFC 4954 3
inline constexpr std::size_t kNotifyExtra = 29;  // RCPT NOTIFY=, RFC 3461 4.1
inline constexpr std::size_t kOrcptExtra = 507;  // RCPT ORCPT=, RFC 3461 4.2
inline constexpr std::size_t kRrvsExtra = 33;    // RCPT RRVS=, RFC 7293 3
// RFC 4954 4: a line of an AUTH exchange, including AUTH itself.
inline constexpr std::size_t kAuthLine = 12288;
// XFORWARD and XCLIENT: Postfix writes several attributes of up to 255 octets on one line.
inline constexpr std::size_t kPeerLine = 2048;
// The longest line that any command may have.
inline constexpr std::size_t kMaxLine = kAuthLine;

}  // namespace handoff::lmtp
