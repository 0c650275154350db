// A message that a recipient's script sends (a redirected message, a reply or a notification), and
// its envelope, a file with everything that sendmail(1) needs besides a redirected message itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace handoff::spool {

struct Outgoing {
  enum class Kind : std::uint8_t {
    kRedirect,     // sent at least once, until it succeeds
    kVacation,     // sent at most once
    kNotification  // sent at most once
  };
  Kind kind = Kind::kRedirect;
  std::string sender;  // of the envelope; empty: <>
  std::vector<std::string> recipients;
  std::string head;  // header fields, ending in CRLF, that precede the message
  // The message with CRLF; null: the message that is being delivered, unchanged.
  std::shared_ptr<const std::string> text;
  // The name in SPOOL/.handoff/unread that shows, after a crash, that the recipient's plan was
  // carried out.
  std::string record;

  bool at_most_once() const { return kind != Kind::kRedirect; }
};

// "redirect", "vacation", "notification"
const char* name_of(Outgoing::Kind kind);

// What the envelope file contains.
struct Envelope {
  Outgoing message;
  std::chrono::sys_seconds created{};
};

std::string pack(const Envelope& envelope);
// Nothing if the octets are not a whole envelope.
std::optional<Envelope> unpack_envelope(std::string_view octets);

}  // namespace handoff::spool
