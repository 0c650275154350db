#include "sys/frames.hh"

#include <cerrno>
#include <string>
#include <utility>

namespace handoff::sys {
namespace {

// The first octet of each part.
constexpr char kMore = '+';
constexpr char kLast = '.';
constexpr std::size_t kMostOfPart = kMaxMessage - 1;

}  // namespace

Status send_frames(const Fd& to, std::string_view octets, const Fd* descriptor,
                   Steady::time_point deadline) {
  do {
    auto part = octets.substr(0, kMostOfPart);
    octets.remove_prefix(part.size());
    auto frame = std::string(1, octets.empty() ? kLast : kMore).append(part);
    if (auto sent = send_message(to, frame, std::exchange(descriptor, nullptr), deadline); !sent)
      return sent;
  } while (!octets.empty());
  return {};
}

Result<std::optional<Message>> receive_frames(const Fd& from, std::size_t most,
                                              std::optional<Steady::time_point> deadline) {
  Message whole;
  for (bool first = true;; first = false) {
    auto part = receive_message(from, deadline);
    if (!part) return part.error();
    if (!part.value()) return std::optional<Message>();
    auto& [octets, descriptor, complete] = *part.value();
    bool formed = complete && !octets.empty() && (octets[0] == kMore || octets[0] == kLast) &&
                  (first || !descriptor) && whole.octets.size() + octets.size() - 1 <= most;
    if (!formed) return Error{EBADMSG, "receive message", {}};
    if (first) whole.descriptor = std::move(descriptor);
    whole.octets.append(octets, 1);
    if (octets[0] == kLast) return std::optional(std::move(whole));
  }
}

}  // namespace handoff::sys
