// What every process on this spool is committing right now: a table in a mapped file,
// SPOOL/.handoff/ledger. It costs memory writes and no system call; it outlives its processes (not
// a power cut: the files in staging do). Which is how a retry finds out that its first try is still
// under way, or that it died with its replies unread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "spool/name.hh"
#include "spool/room.hh"
#include "sys/digest.hh"
#include "sys/fd.hh"
#include "sys/shared_file.hh"

namespace handoff::spool {

class Ledger {
 public:
  enum class Phase : std::uint32_t {
    kFree,
    kCommitting,  // some of its recipients may be durable
    kReplied,     // all replies are written; whether they were read is not known
  };

  // Opens the table below `own_directory` (SPOOL/.handoff) and takes a slot for this process, whose
  // names are `maker`'s (NameMaker::maker()).
  static Result<Ledger> open(const sys::Fd& own_directory, std::uint64_t maker);
  Ledger(Ledger&&) = default;

  // A message in the table.
  struct Entry {
    std::size_t slot = 0;
    Phase phase = Phase::kFree;
    bool alive = false;  // its process is
    bool first = false;  // entered before ours was
    std::string name;    // of its staging file
    std::uint64_t size = 0;
  };

  // What a dead process left in the slot that is now ours; its phase is kFree where it left
  // nothing. The slot is kept until forget_inherited().
  Entry inherited() const;
  void forget_inherited() { leave(); }

  // This process begins to commit content `digest`, staged as `name` with `size` octets, to
  // `places`.
  void enter(const sys::Digest& digest, std::string_view name, std::uint64_t size,
             const std::vector<std::string>& places);
  void replied();
  void leave();

  // Of two processes that enter the same message at once, each before it asks for the others(), one
  // sees the other, which is `first`; so one of them can wait, and they do not wait for each other.
  //
  // Other processes' messages with this content that may go to this place too (a false alarm is
  // possible, a miss is not).
  std::vector<Entry> others(const sys::Digest& digest, std::string_view place) const;
  // Messages with this content that have left the table, any process's: of the last two thousand,
  // or of none where the disk was full.
  std::vector<Entry> past(const sys::Digest& digest) const;
  // The same entry again: whether it is still what it was.
  Phase look_again(const Entry& before) const;
  bool is_alive(const Entry& entry) const;

  // Whether the process that made a name works on the spool, wherever it runs. Its process id says
  // less: after a power cut, or in a container, it may be another's. Only of a process of the
  // program before this one, which has not said what its names are, that is asked; who cannot be
  // seen may be any.
  bool is_here(const Owner& owner) const;

  // Room that this process wants for a message: octets that are still to be written, and a file.
  // In force until the next call, or the end of the process, however it ends.
  void reserve(std::uint64_t octets);
  void release();
  // What the others want; of kAny also what the dead have left, whom only a system call for each
  // tells from the living.
  enum class Others { kAny, kLiving };
  Demand reserved_by(Others which) const;

  // Whether there may be names in SPOOL/.handoff/unread. Set by whoever makes one.
  bool has_unread() const;
  void set_unread(bool has);

 private:
  struct Table;
  struct Slot;
  struct Past;
  Ledger(sys::SharedFile file, std::size_t own);

  Table& table() const;
  Slot& slot(std::size_t index) const;
  template <class Action>
  bool read(std::size_t index, Action action) const;
  template <class Wanted>
  bool copy(std::size_t index, Wanted wanted, Entry& to) const;
  Entry entry(std::size_t index) const;
  void keep_past();

  sys::SharedFile file_;
  std::size_t own_;
  bool knows_past_ = false;
};

}  // namespace handoff::spool
