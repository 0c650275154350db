// The scoreboard: memory that the master shares with its workers. Each worker has one slot, which
// only that worker writes (slot_writer.hh) and everybody may read. Slots are advisory: only waitpid
// shows whether a worker lives, and readers must accept any value in them.
//
// Each slot has its own pages. When a worker starts, it gives up write access to all other slots
// and to the header (keep_own), so an attacker who controls a worker cannot harm the next one
// through this memory.
//
// The numbers in a slot are those of its current worker. When that worker has ended, the master
// adds them to its totals (totals.hh) and clears the slot for the next worker.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/result.hh"
#include "board/backend_writer.hh"
#include "board/measures.hh"
#include "board/shared_text.hh"
#include "board/slow_mailboxes.hh"
#include "sys/fd.hh"
#include "sys/memory.hh"

namespace handoff::board {

enum class State : std::uint32_t {
  kStarting,
  kIdle,      // waits for a connection
  kGreeting,  // has accepted a connection, but has read no command yet
  kCommand,   // waits for a command, or runs one
  kLookup,    // looks up a recipient
  kData,      // waits for more of a message
  kStaging,   // writes a message to the staging file
  kSync,      // waits until the disk has the message
  kCommit,    // puts the message into a mailbox, or queries the mailbox of another user
  kReply,     // waits for the peer to read replies
};
inline constexpr std::size_t kStates = 10;
// "starting", "idle", ...; "?" for any other value.
const char* name_of(State state);
constexpr bool is_busy(State state) { return state > State::kIdle; }

// What a worker claims: a mailbox that it writes to, or a client that it serves. Each worker has at
// most one of each kind, and the number of workers that share one is limited.
struct Claim {
  std::atomic<std::uint64_t> key;    // hash of it; 0: none
  std::atomic<std::uint64_t> since;  // steady nanoseconds
};

struct alignas(64) Slot {
  std::atomic<State> state;
  std::atomic<std::uint64_t> since;     // steady milliseconds: when the state began
  std::atomic<std::uint64_t> progress;  // steady milliseconds: the last octet or step
  // The worker accepts connections from one listener only. Written by the master before the worker
  // starts.
  std::atomic<bool> reserved;
  Claim mailbox;  // that is being written to
  Claim client;   // that is being served, if their number is limited

  SharedText<48> peer;     // of the session; empty: none
  SharedText<40> message;  // id of the transaction's message
  std::array<std::atomic<std::uint64_t>, kCounters> counters;
  std::array<std::atomic<std::uint64_t>, kReplyCodes> replies;
  std::array<std::atomic<std::uint64_t>, kRefusals.size()> refusals;
  std::array<Histogram, kStages> stages;

  // The last failure. The fields are written in this order; `failures` is the number of failures.
  std::atomic<std::uint64_t> failed_at;  // wall clock, milliseconds
  SharedText<160> failure;               // "451 4.3.0: fsync: Input/output error"
  SharedText<128> failed_address;
  std::atomic<std::uint64_t> failures;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class Board {
 public:
  // Room for `capacity` workers. Unused slots cost only address space.
  static Result<Board> create(std::size_t capacity);
  // Maps the same board in a program that the master has executed. `file` and `capacity` are
  // descriptor() and capacity() of the original.
  static Result<Board> attach(sys::Fd file, std::size_t capacity);
  const sys::Fd& descriptor() const { return memory_.descriptor(); }

  std::size_t capacity() const { return capacity_; }
  // Slots below this number are, or have been, in use.
  std::size_t used() const { return std::min(header().used.load(), capacity_); }
  Slot& slot(std::size_t index) const { return page(index).slot; }
  // The number of a slot beyond those of workers, for the process that sends the messages of
  // scripts. It uses counters only, and several such processes use it one after another.
  std::size_t senders_slot() const { return capacity_; }
  // The mailboxes that the worker of this slot found slow. They are kept after the worker has
  // ended.
  SlowEntries& slow_mailboxes(std::size_t index) const { return page(index).slow; }
  // Returns what the worker of this slot has seen of the hosts that mail is passed on to.
  BackendRecords& backends(std::size_t index) const { return page(index).backends; }
  // Returns the number of used slots for which `is` returns true.
  template <class Is>
  std::size_t count(Is is) const {
    std::size_t out = 0;
    for (std::size_t i = 0; i < used(); ++i) out += is(slot(i)) ? 1U : 0U;
    return out;
  }

  // For the master, before it forks a worker: clears the slot and marks it as used.
  void take(std::size_t index);
  // For a worker: from now on this process can write to that slot and to nothing else here.
  Status keep_own(std::size_t index) const;
  // For a process that is neither the master nor a worker. No other member may be used afterwards.
  void unmap() { memory_.unmap(); }
  // For the master: no other process will accept connections, so each worker must empty the backlog
  // before it ends.
  void stop_accepting() { header().closing = true; }
  bool closing() const { return header().closing; }
  // For the master: all workers are busy and a connection waits, so an idle client should make
  // room.
  void set_crowded(bool crowded) { header().crowded = crowded; }
  bool crowded() const { return header().crowded; }

 private:
  struct Header {
    std::atomic<std::size_t> used;
    std::atomic<bool> closing;
    std::atomic<bool> crowded;
  };
  struct Page {
    Slot slot;
    SlowEntries slow;
    BackendRecords backends;
  };
  static std::size_t stride();
  Board(sys::SharedMemory memory, std::size_t capacity, std::size_t stride);
  Header& header() const { return *reinterpret_cast<Header*>(memory_.start()); }
  Page& page(std::size_t index) const {
    return *reinterpret_cast<Page*>(memory_.start() + (index + 1) * stride_);
  }

  sys::SharedMemory memory_;
  std::size_t capacity_;
  std::size_t stride_;  // octets from one slot to the next: whole pages
};

}  // namespace handoff::board
