// Lists what every process on this spool is committing right now: a table in a mapped file,
// SPOOL/.handoff/ledger or, if other hosts can use the spool's filesystem, a file on a filesystem
// of this host. It costs memory writes but no system calls. It outlives its processes but, unlike
// the files in staging, not a power cut. With it a retry discovers that the first attempt is
// still in progress, or died before its replies were read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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
    kReplied,     // all replies are written; it is unknown whether they were read
  };

  // Opens the table in `own_directory` (SPOOL/.handoff or SpoolOptions::run) and takes a slot for
  // this process. `maker` identifies the names that this process makes (NameMaker::maker()). If the
  // disk is full, the table is in the memory of this process until there is room for its slot.
  // Meanwhile reserved_by() says that no message has room, because other processes cannot see what
  // this one commits.
  static Result<Ledger> open(const sys::Fd& own_directory, std::uint64_t maker);
  // A table that no other process sees.
  static Result<Ledger> alone(std::uint64_t maker);
  Ledger(Ledger&&) = default;
  Ledger& operator=(Ledger&&) = default;

  // A message in the table.
  struct Entry {
    std::size_t slot = 0;
    Phase phase = Phase::kFree;
    bool alive = false;  // its process is alive
    bool first = false;  // entered before our message
    std::string name;    // name of its staging file
    std::uint64_t size = 0;
  };

  // Returns what a dead process left in the slot that is now ours; its phase is kFree if it left
  // nothing. The slot is kept until forget_inherited().
  Entry inherited() const;
  void forget_inherited() { leave(); }

  // This process begins to commit content with this `digest`, staged as `name` with `size` octets,
  // to `places`.
  void enter(const sys::Digest& digest, std::string_view name, std::uint64_t size,
             const std::vector<std::string>& places);
  void replied();
  void leave();

  // Returns other processes' messages with this content that may go to the same place. There may be
  // false positives, but nothing is missed. If two processes enter the same message at once, each
  // before it calls others(), exactly one of them sees the other as `first`; so one can wait, and
  // they never wait for each other.
  std::vector<Entry> others(const sys::Digest& digest, std::string_view place) const;
  // Returns messages with this content, of any process, that have left the table: among the last
  // two thousand, or none if the disk was full.
  std::vector<Entry> past(const sys::Digest& digest) const;
  // Returns the current phase of the same entry; kFree if it has been replaced.
  Phase look_again(const Entry& before) const;
  bool is_alive(const Entry& entry) const;

  // Returns whether the process that made a name is working on the spool, on any host. The process
  // id in the name is weaker evidence: after a power cut, or in a container, it may belong to
  // another process. It is used only for a process of an older program version, which did not
  // record its maker. If the system does not show a process, it might be any process.
  bool is_here(const Owner& owner) const;

  // Space that this process needs for a message: octets that are not yet written, and one inode.
  // One at a time. It is released when the object is destroyed, or when the process ends in any
  // way.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept
        : ledger_(std::exchange(other.ledger_, nullptr)), octets_(other.octets_) {}
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation() { release(); }

    // This many octets of the message have been written.
    void written(std::uint64_t octets);
    void release();

   private:
    friend class Ledger;
    Reservation(Ledger& ledger, std::uint64_t octets) : ledger_(&ledger), octets_(octets) {}
    Ledger* ledger_ = nullptr;
    std::uint64_t octets_ = 0;
  };
  // Aborts if there is one already. The ledger must not be moved while it exists.
  [[nodiscard]] Reservation reserve(std::uint64_t octets);
  // What other processes have reserved. kAny includes reservations of dead processes; to tell these
  // apart takes a system call each.
  enum class Others { kAny, kLiving };
  Demand reserved_by(Others which);

  // Returns whether SPOOL/.handoff/unread may contain names. Set by any process that creates one.
  bool has_unread() const;
  void set_unread(bool has);

 private:
  struct Table;
  struct Slot;
  struct Past;
  Ledger(sys::SharedFile file, std::size_t own);
  // `clean`: does not take a slot in which a dead process has left a message.
  static Result<Ledger> open_shared(const sys::Fd& own_directory, std::uint64_t maker, bool clean);
  void share();

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
  bool has_reserved_ = false;
  bool knows_past_ = false;
  sys::Fd directory_;  // SPOOL/.handoff, while the table is not shared
  std::uint64_t maker_ = 0;
  // The last slot, with its generation, whose writer did not finish within the time limit.
  mutable std::pair<std::size_t, std::uint32_t> given_up_{};
};

}  // namespace handoff::spool
