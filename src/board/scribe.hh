// The one who writes a worker's slot on the board.
#pragma once

#include <string_view>

#include "board/board.hh"
#include "sys/clock.hh"

namespace handoff::board {

// Hash of a mailbox's path; never 0.
std::uint64_t mailbox_key(std::string_view path);

class Scribe {
 public:
  // `others`: all slots, `own` among them.
  Scribe(Slot& own, const Board& board) : slot_(own), board_(&board) {}
  // For a session without a master: it is alone.
  explicit Scribe(Slot& own) : slot_(own) {}

  // Says what the worker does from now on; saying the same again says that it goes forward.
  // Returns the state before.
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
  // Counts each reply that begins in `output`: whole lines.
  void count_replies(std::string_view output);
  void observe(Stage stage, sys::Steady::duration took);
  void failure(std::string_view what, std::string_view address);

  // Whether `limit` others are at work in that mailbox. 0: there is no limit.
  bool is_crowded(std::uint64_t mailbox, unsigned limit) const;
  // Begins work in a mailbox, unless it is crowded: then false, and nothing has begun. Of those
  // that begin in the same moment just as many get in as there is room for: each takes a number
  // when the others can see that it does, as in Lamport's bakery. Waits for another to take its
  // own, a second at most; one that takes longer counts as earlier.
  bool enter_mailbox(std::uint64_t mailbox, unsigned limit);
  // The work is over, or came to nothing.
  void leave_mailbox() { slot_.mailbox = 0; }

  // When a delivery has taken too long, and what then; milliseconds are those of the board.
  struct Slowness {
    std::chrono::milliseconds after{};
    SlowPolicy policy;
  };
  // Whether it has been slow too often, or as many others wait for it as that takes.
  bool is_put_off(std::uint64_t mailbox, const Slowness& slowness) const;
  // A delivery has taken so long. True where that puts the mailbox off from now on.
  bool took(std::uint64_t mailbox, sys::Steady::duration time, const Slowness& slowness);

 private:
  Slot& slot_;
  const Board* board_ = nullptr;
};

}  // namespace handoff::board
