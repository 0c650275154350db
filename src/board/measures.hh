// What is counted and timed: one table each, from which /metrics, the status page and the fields of
// the log come.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace handoff::board {

enum class Counter : std::size_t {
  kSessions,      // served to their end
  kTransactions,  // with at least one delivery
  kDelivered,     // recipients that got 2xx after the data
  kDeferred,      // recipients that got 4xx after the data
  kRejected,      // recipients that got 5xx after the data
  kOctets,        // of content received
  kSwept,         // staging files of the dead that were removed
  kCrowded,       // recipients put off because of recipients.max-concurrent
  kSlow,          // recipients put off because their mailbox was slow
  kNoRoom,        // messages refused for want of space
};
inline constexpr std::size_t kCounters = 10;

// Reply codes that are counted one by one; the last place is for all others.
inline constexpr std::array kCodes = {214, 220, 221, 250, 252, 354, 421, 450, 451,
                                      452, 454, 500, 501, 502, 503, 504, 530, 535,
                                      538, 550, 551, 552, 553, 554, 555};
inline constexpr std::size_t kReplyCodes = kCodes.size() + 1;

enum class Stage : std::size_t {
  kTransaction,  // from MAIL to the last reply
  kLookup,       // of one recipient
  kWrite,        // of one message to staging: the time in writes, not between them
  kSync,         // of one message
  kCommit,       // of one message to one mailbox
  kFinal,        // from the final dot to the last reply
};
inline constexpr std::size_t kStages = 6;

// Upper bounds of the buckets, in microseconds; one more bucket has no bound.
inline constexpr std::array<std::uint64_t, 18> kBounds = {
    100,       250,       500,       1000,       2500,       5000,
    10'000,    25'000,    50'000,    100'000,    250'000,    500'000,
    1'000'000, 2'500'000, 5'000'000, 10'000'000, 60'000'000, 300'000'000};
inline constexpr std::size_t kBuckets = kBounds.size() + 1;

// Written by one, so an addition need not be one instruction.
struct Histogram {
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets;
  std::atomic<std::uint64_t> sum;  // microseconds
};

inline void add(std::atomic<std::uint64_t>& number, std::uint64_t more) {
  number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace handoff::board
