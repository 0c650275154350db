// Writes a worker's slot of the scoreboard.
#pragma once

#include <string_view>

#include "board/board.hh"
#include "sys/clock.hh"

namespace handoff::board {

// Hash of a mailbox's path or of a client; never 0.
std::uint64_t key_of(std::string_view name);

class SlotWriter {
 public:
  // The slot `own` of `board`.
  SlotWriter(const Board& board, std::size_t own)
      : slot_(board.slot(own)), board_(&board), own_(own) {}
  // For a session without a master.
  explicit SlotWriter(Slot& own) : slot_(own) {}

  // Sets the current state. Setting the same state again records progress. Returns the previous
  // state.
  State enter(State state);
  State state() const { return slot_.state; }

  void peer(std::string_view text) { slot_.peer.set(text); }
  void message(std::string_view id) { slot_.message.set(id); }
  void count(Counter counter, std::uint64_t more = 1) {
    add(slot_.counters[static_cast<std::size_t>(counter)], more);
  }
  std::uint64_t counted(Counter counter) const {
    return slot_.counters[static_cast<std::size_t>(counter)];
  }
  // Counts the replies in `output`, which must contain whole lines.
  void count_replies(std::string_view output);
  // Counts a refusal, by command, code and reason.
  void refused(At at, int code, std::string_view reason) {
    add(slot_.refusals[refusal_row(at, code, reason)], 1);
  }
  void observe(Stage stage, sys::Steady::duration took);
  void failure(std::string_view what, std::string_view address);

  // Returns whether a connection waits for a worker.
  bool connection_waits() const { return board_ != nullptr && board_->crowded(); }
  // Returns whether at least `limit` other workers are writing to that mailbox. 0: no limit.
  bool is_crowded(std::uint64_t mailbox, unsigned limit) const;
  // Starts work in a mailbox. If the mailbox is crowded, starts nothing and returns false. If
  // several workers start at the same moment, exactly as many succeed as there is room for: each
  // first announces itself and then draws a number, as in Lamport's bakery algorithm. Waits at most
  // a second for another worker to draw its number; after that, the other counts as earlier.
  bool enter_mailbox(std::uint64_t mailbox, unsigned limit) {
    return claim(&Slot::mailbox, mailbox, limit);
  }
  // Ends the work that was started, even if it was not completed.
  void leave_mailbox() { slot_.mailbox.key = 0; }

  // The same for serving a client: false if `limit` other workers serve it. 0: no limit.
  bool enter_client(std::uint64_t client, std::size_t limit) {
    return claim(&Slot::client, client, limit);
  }
  void leave_client() { slot_.client.key = 0; }

  // When a delivery counts as slow, and the consequences.
  struct Slowness {
    std::chrono::milliseconds after{};
    SlowPolicy policy;
  };
  // Returns whether mail for the mailbox must be deferred, because it was slow too often in a row,
  // or because as many other workers have been waiting for it for too long.
  bool is_put_off(std::uint64_t mailbox, const Slowness& slowness) const;
  // Records how long a delivery took. Returns true if the mailbox is refused from now on.
  bool delivery_took(std::uint64_t mailbox, sys::Steady::duration time, const Slowness& slowness);

 private:
  bool claim(Claim Slot::*which, std::uint64_t key, std::size_t limit);

  Slot& slot_;
  const Board* board_ = nullptr;
  std::size_t own_ = 0;
};

}  // namespace handoff::board
