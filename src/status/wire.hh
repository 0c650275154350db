// The protocol between a status process and the master, over a pair of sockets. Requests are single
// octets, so the master has nothing to parse. There is at most one request of a kind at a time, and
// the answer names the kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff::status {

enum class Ask : char {
  kSnapshot = 's',  // answered with board::Snapshot as text
  kHealth = 'h',    // whether mail could be delivered now, and if not, why
  // Only from the process of the control socket:
  kReady = 'y',  // answered when a worker with the current configuration is ready
  kReload = 'r',
  kUpgrade = 'u',
  kDrain = 'd',
};
inline constexpr std::string_view kQuestions = "sh";
inline constexpr std::string_view kCommands = "shyrud";

struct Answer {
  Ask to{};
  bool ok = false;
  std::string text;
};

std::string pack(const Answer& answer);

// Extracts answers from a stream of octets.
class AnswerReader {
 public:
  void add(std::string_view octets) { octets_ += octets; }
  // Returns the next complete answer.
  std::optional<Answer> next();

 private:
  std::string octets_;
};

}  // namespace handoff::status
