// The counters and timers, in one table each. /metrics, the status page and the fields of the log
// are generated from them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace handoff::board {

enum class Counter : std::size_t {
  kSessions,      // that have ended
  kTransactions,  // with at least one delivery
  kDelivered,     // recipients that got 2xx after the data
  kDeferred,      // recipients that got 4xx, at RCPT or after the data
  kRejected,      // recipients that got 5xx, at RCPT or after the data
  kOctets,        // received as content
  kSwept,         // abandoned staging files that were removed
  kCrowded,       // recipients deferred because of recipients.max-concurrent
  kSlow,          // recipients deferred because their mailbox was slow
  kNoRoom,        // messages refused because of insufficient space
  kRefusedPeers,  // connections closed instead of served
  kScriptRuns,    // recipients for whom Sieve scripts ran
  kScriptSteps,   // steps that these took
  kScriptErrors,  // of them, runs that an error ended or left incomplete
  kRedirects,     // messages that scripts redirected
  kReplies,       // replies and notifications of scripts
  kSent,          // of these messages, those that sieve.sendmail has taken
  kSendFailures,  // times that it has failed to take one
  kUnsent,        // of these messages, those that were given up or dropped
};
inline constexpr std::size_t kCounters = 19;

// Reply codes with a counter of their own; the last counter is for all others.
inline constexpr std::array kCodes = {214, 220, 221, 250, 252, 354, 421, 450, 451,
                                      452, 454, 500, 501, 502, 503, 504, 530, 535,
                                      538, 550, 551, 552, 553, 554, 555};
inline constexpr std::size_t kReplyCodes = kCodes.size() + 1;

// At which command something is refused.
enum class At : std::uint8_t { kMail, kRcpt, kContent };
inline constexpr std::string_view kAtNames[] = {"mail", "rcpt", "content"};

// Refusals are counted by command, code and reason (lmtp::Phrase). The last row of each command has
// the code 0 and counts all other codes and reasons.
struct Refusal {
  At at;
  int code;
  std::string_view reason;
};
inline constexpr std::array kRefusals = {
    Refusal{At::kMail, 421, "limit"},
    Refusal{At::kMail, 452, "no_room"},
    Refusal{At::kMail, 501, "protocol"},
    Refusal{At::kMail, 503, "protocol"},
    Refusal{At::kMail, 530, "unprotected"},
    Refusal{At::kMail, 552, "too_large"},
    Refusal{At::kMail, 555, "protocol"},
    Refusal{At::kMail, 0, "other"},
    Refusal{At::kRcpt, 451, "backend"},
    Refusal{At::kRcpt, 451, "lookup"},
    Refusal{At::kRcpt, 451, "loop"},
    Refusal{At::kRcpt, 451, "mailbox_busy"},
    Refusal{At::kRcpt, 451, "mailbox_slow"},
    Refusal{At::kRcpt, 451, "storage"},
    Refusal{At::kRcpt, 452, "no_room"},
    Refusal{At::kRcpt, 452, "quota"},
    Refusal{At::kRcpt, 452, "too_many_recipients"},
    Refusal{At::kRcpt, 501, "protocol"},
    Refusal{At::kRcpt, 503, "protocol"},
    Refusal{At::kRcpt, 550, "backend"},
    Refusal{At::kRcpt, 550, "domain_not_served"},
    Refusal{At::kRcpt, 550, "unknown_recipient"},
    Refusal{At::kRcpt, 552, "quota"},
    Refusal{At::kRcpt, 553, "protocol"},
    Refusal{At::kRcpt, 555, "protocol"},
    Refusal{At::kRcpt, 0, "other"},
    Refusal{At::kContent, 451, "backend"},
    Refusal{At::kContent, 451, "mailbox_busy"},
    Refusal{At::kContent, 451, "mailbox_slow"},
    Refusal{At::kContent, 451, "storage"},
    Refusal{At::kContent, 452, "backend"},
    Refusal{At::kContent, 452, "no_room"},
    Refusal{At::kContent, 452, "quota"},
    Refusal{At::kContent, 452, "storage"},
    Refusal{At::kContent, 501, "protocol"},
    Refusal{At::kContent, 503, "protocol"},
    Refusal{At::kContent, 550, "bare_newline"},
    Refusal{At::kContent, 550, "new_owner"},
    Refusal{At::kContent, 550, "script"},
    Refusal{At::kContent, 552, "quota"},
    Refusal{At::kContent, 552, "too_large"},
    Refusal{At::kContent, 554, "loop"},
    Refusal{At::kContent, 0, "other"},
};
// The row of kRefusals.
constexpr std::size_t refusal_row(At at, int code, std::string_view reason) {
  std::size_t row = 0;
  while (kRefusals[row].at != at) ++row;
  while (kRefusals[row].code != 0 &&
         (kRefusals[row].code != code || kRefusals[row].reason != reason)) {
    ++row;
  }
  return row;
}

enum class Stage : std::size_t {
  kTransaction,  // from MAIL to the last reply
  kLookup,       // of one recipient
  kWrite,        // of one message to staging: only the time spent in writes
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

// Each histogram has a single writer, so an addition need not be atomic.
struct Histogram {
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets;
  std::atomic<std::uint64_t> sum;  // microseconds
};

// Adds one measurement.
void observe(Histogram& histogram, std::chrono::nanoseconds took);

inline void add(std::atomic<std::uint64_t>& number, std::uint64_t more) {
  number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace handoff::board
