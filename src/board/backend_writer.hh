// What a worker sees of backends, the other hosts that mail is passed on to: records in its slot of
// the scoreboard.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "board/measures.hh"
#include "board/shared_text.hh"
#include "sys/clock.hh"

namespace handoff::board {

// This many hosts are counted individually, and all others together as "other".
inline constexpr std::size_t kMostBackends = 32;
inline constexpr std::string_view kOtherBackends = "other";

inline constexpr std::size_t kMostName = 72;  // octets; longer names are truncated

// Recipients by their last reply.
enum class Outcome : std::uint8_t { kDelivered, kDeferred, kRejected };
inline constexpr std::string_view kOutcomeNames[] = {"delivered", "deferred", "rejected"};

// A run of observations of the same kind, in milliseconds since 1970; 0: none.
template <class Number>
struct Run {
  Number first{};  // of the latest run
  Number last{};
};

// One host as one worker sees it. All zero: unused.
struct BackendRecord {
  SharedText<kMostName> name;  // "mail1.example.org:24"
  std::atomic<std::uint64_t> connections;
  std::array<std::atomic<std::uint64_t>, std::size(kOutcomeNames)> recipients;
  Histogram latency;
  Run<std::atomic<std::uint64_t>> up;    // it has answered
  Run<std::atomic<std::uint64_t>> down;  // it could not be reached, or did not answer
};
struct BackendRecords {
  std::atomic<std::size_t> used;
  std::array<BackendRecord, kMostBackends + 1> records;  // the last one is for all others

  // For the master, before a worker begins. Leaves unused memory untouched.
  void clear();
};

// Counts a connection for as long as the object lives.
class OpenConnection {
 public:
  OpenConnection() = default;
  explicit OpenConnection(std::atomic<std::uint64_t>* number);
  OpenConnection(OpenConnection&& other) noexcept;
  OpenConnection& operator=(OpenConnection&& other) noexcept;
  ~OpenConnection();

 private:
  std::atomic<std::uint64_t>* number_ = nullptr;
};

// Writes what a worker sees of one host.
class BackendWriter {
 public:
  BackendWriter() = default;  // for a process without a board: writes nothing
  // Writes to the record of `name` in `records`, or to that of the others if there is no room.
  BackendWriter(BackendRecords& records, std::string_view name);

  void answered() { saw(&BackendRecord::up, &BackendRecord::down); }
  void failed() { saw(&BackendRecord::down, &BackendRecord::up); }
  // The host has sent its last reply to a message, this long after the end of the message.
  void replied_after(sys::Steady::duration time);
  // A recipient whose mailbox is there has got its last reply, with this code.
  void settled(int code);
  OpenConnection connected() { return OpenConnection(record_ ? &record_->connections : nullptr); }

 private:
  using Which = Run<std::atomic<std::uint64_t>> BackendRecord::*;
  void saw(Which now, Which opposite);

  BackendRecord* record_ = nullptr;
};

}  // namespace handoff::board
