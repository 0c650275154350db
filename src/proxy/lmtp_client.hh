// The client's side of one LMTP transaction (RFC 2033), for `handoffctl deliver` and `doctor`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "lmtp/reply.hh"
#include "proxy/capabilities.hh"
#include "proxy/reply_reader.hh"
#include "sys/stream.hh"

namespace handoff::proxy {

// What a client wants to send. The paths have no angle brackets, and are sent unchanged.
struct Submission {
  std::string sender;  // empty: the null reverse-path
  std::vector<std::string> recipients;
  std::optional<std::uint64_t> size;  // octets, for SIZE= (RFC 1870); empty: unknown
};

// The result for one recipient.
struct Outcome {
  std::string recipient;
  // The reply of the server. Code 0: none was received, and the text says why; the message may or
  // may not have been delivered, and must be sent again.
  lmtp::Reply reply;
};

// RFC 5321 4.5.3.2.
struct Timeouts {
  std::chrono::seconds reply{5 * 60};         // .1 to .3: the greeting and replies to commands
  std::chrono::seconds block{3 * 60};         // .5: for the server to accept part of the content
  std::chrono::seconds final_reply{10 * 60};  // .6: from the final dot to a reply
};

class LmtpClient {
 public:
  // Reads the next octets of the message into a buffer and returns their number; 0 at the end.
  using Read = std::function<Result<std::size_t>(char* buffer, std::size_t size)>;
  // Called as soon as a recipient's outcome is known.
  using Report = std::function<void(const Outcome&)>;

  // `stream` is connected, nothing was read from it, and it outlives the object. `host` is the
  // argument of LHLO.
  LmtpClient(sys::Stream& stream, std::string host, Timeouts timeouts = {})
      : stream_(stream), replies_(stream), host_(std::move(host)), timeouts_(timeouts) {}

  // Returns the server's greeting: 220, or why it cannot be used. Code 0: none was received. Call
  // once.
  lmtp::Reply read_greeting();
  // Performs one transaction, from the greeting to QUIT; returns the outcomes in the order of the
  // recipients. Memory use does not depend on the size of the message. If `read` fails, the message
  // is not delivered. Blocks as long as `read` and the timeouts allow.
  std::vector<Outcome> deliver(const Submission& submission, const Read& read,
                               const Report& report);
  // Sends QUIT and ignores the answer.
  void quit();

 private:
  void send(std::string_view octets, std::chrono::seconds timeout);
  lmtp::Reply receive(std::chrono::seconds timeout);
  lmtp::Reply command(const std::string& line);

  std::string mail_command(const Submission& submission) const;
  // Sends MAIL and all RCPTs; returns the reply to MAIL and fills `answers` with those to RCPT.
  lmtp::Reply send_envelope(const Submission& submission, std::vector<lmtp::Reply>& answers);
  void send_content(const Read& read);

  sys::Stream& stream_;
  ReplyReader replies_;
  std::string host_;
  Timeouts timeouts_;
  std::optional<Error> write_error_;  // replies that have arrived can still be read
  std::optional<Error> read_error_;
  Capabilities offers_;
};

}  // namespace handoff::proxy
