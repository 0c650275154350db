// The client's side of one LMTP transaction (RFC 2033), for `handoffctl deliver` and the doctor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "ctl/outcome.hh"
#include "ctl/reply_reader.hh"
#include "sys/stream.hh"

namespace handoff::ctl {

// Paths without angle brackets, well-formed: they are sent as they are.
struct Letter {
  std::string sender;  // empty: the null reverse-path
  std::vector<std::string> recipients;
  std::optional<std::uint64_t> size;  // octets, for SIZE= (RFC 1870); nothing: not known
};

// How long to wait: RFC 5321 4.5.3.2.
struct Patience {
  std::chrono::seconds reply{5 * 60};     // .1 to .3: greeting and commands
  std::chrono::seconds block{3 * 60};     // .5: for the server to take a piece of the message
  std::chrono::seconds verdict{10 * 60};  // .6: from the final dot to a reply
};

class LmtpClient {
 public:
  // The next octets of the message into a buffer: how many, 0 at its end.
  using Read = std::function<Result<std::size_t>(char* buffer, std::size_t size)>;
  // Called as soon as a recipient's outcome is known.
  using Report = std::function<void(const Outcome&)>;

  // `stream` is connected, and nothing was read from it; it must outlive the object. `host` is the
  // argument of LHLO.
  LmtpClient(sys::Stream& stream, std::string host, Patience patience = {})
      : stream_(&stream), replies_(stream), host_(std::move(host)), patience_(patience) {}

  // The server's greeting: 220, or why it cannot be talked to. Code 0: it said nothing. Once.
  lmtp::Reply greet();
  // One transaction from the greeting to QUIT; the outcomes in the order of the recipients. Memory
  // does not grow with the message. A message that `read` fails to give whole is not delivered.
  // Blocks as long as `read` and the patience allow.
  std::vector<Outcome> deliver(const Letter& letter, const Read& read, const Report& report);
  // Takes leave; nothing depends on the answer.
  void quit();

 private:
  void say(std::string_view octets, std::chrono::seconds wait);
  lmtp::Reply hear(std::chrono::seconds wait);
  lmtp::Reply ask(const std::string& command);

  void take_keywords(std::string_view text);
  std::string mail_command(const Letter& letter) const;
  // MAIL and RCPTs; the answer to MAIL, and one to each RCPT.
  lmtp::Reply send_envelope(const Letter& letter, std::vector<lmtp::Reply>& answers);
  void send_content(const Read& read);

  sys::Stream* stream_;
  ReplyReader replies_;
  std::string host_;
  Patience patience_;
  std::optional<Error> mute_;  // nothing more can be said; what was answered can still be read
  std::optional<Error> deaf_;  // nothing more can be heard
  bool pipelining_ = false;    // what the server announced
  bool size_ = false;
  bool eight_bit_ = false;
  bool utf8_ = false;
};

}  // namespace handoff::ctl
