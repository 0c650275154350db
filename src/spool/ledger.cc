#include "spool/ledger.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

namespace handoff::spool {
namespace {

constexpr std::size_t kSlots = 16384;  // more than workers.max allows, and the rest for --stdin
constexpr std::size_t kNameMax = 255;  // a file name, octets
constexpr std::size_t kPlaceWords =
    96;  // of 64 bits: with 50 places one in 120 strangers looks known
constexpr int kSpins = 100;
constexpr std::chrono::milliseconds kNap{1};
constexpr std::size_t kPast = 2048;     // messages: at 1,000 a second those of two seconds
constexpr std::size_t kPastName = 108;  // octets; a message with a longer name is not among them

std::uint64_t beginning(const sys::Digest& digest) {
  std::uint64_t octets;
  std::memcpy(&octets, digest.data(), sizeof octets);
  return octets;
}

// A place as one bit of the filter.
std::size_t bit_of(std::string_view place) {
  auto digest = sys::sha256(place);
  std::uint32_t number;
  std::memcpy(&number, digest.data(), sizeof number);
  return number % (kPlaceWords * 64);
}

}  // namespace

// All zero is a valid, free slot: that is what a new file holds. `generation` is odd while the rest
// is being written, so that a reader in another process can tell.
struct Ledger::Slot {
  std::atomic<Phase> phase;
  std::atomic<std::uint32_t> generation;
  sys::Digest digest;
  std::uint64_t size;
  std::array<char, kNameMax + 1> name;
  std::array<std::uint64_t, kPlaceWords> places;
};

// A message that has left its slot. Odd while it is written; it stays odd where its writer died.
struct Ledger::Past {
  std::atomic<std::uint32_t> generation;
  std::array<char, kPastName> name;
  std::uint64_t digest;  // its first octets: who finds one compares the content
  std::uint64_t size;
};

struct Ledger::Table {
  std::atomic<std::uint32_t> unread;
  std::atomic<std::uint32_t> used;  // slots that were ever taken: no reader looks further
  std::array<Slot, kSlots> slots;
  // Of each slot: octets wanted and one more, or 0. Behind the slots, as all that follows:
  // processes of the program before this one, which map less, may be at work on the same file.
  std::array<std::atomic<std::uint64_t>, kSlots> reserved;
  // The order in which the messages in the slots were entered (Lamport's bakery: who draws a number
  // has made its generation odd, and who has drawn a higher one waits to see what that becomes).
  std::array<std::atomic<std::uint64_t>, kSlots> numbers;
  std::atomic<std::uint64_t> last_number;
  std::array<std::atomic<std::uint64_t>, kSlots> makers;  // of each slot's names
  // A ring.
  std::atomic<std::uint64_t> left;  // messages that were ever put there
  std::array<Past, kPast> past;
};
static_assert(std::atomic<Ledger::Phase>::is_always_lock_free);

Ledger::Ledger(sys::SharedFile file, std::size_t own) : file_(std::move(file)), own_(own) {}

Ledger::Table& Ledger::table() const { return *static_cast<Table*>(file_.memory()); }
Ledger::Slot& Ledger::slot(std::size_t index) const { return table().slots[index]; }

Result<Ledger> Ledger::open(const sys::Fd& own_directory, std::uint64_t maker) {
  auto file = sys::SharedFile::open(own_directory, "ledger", sizeof(Table));
  if (!file) return file.error();
  for (std::size_t index = 0; index < kSlots; ++index) {
    if (!file.value().lock(index)) continue;
    for (auto [offset, octets] :
         {std::pair(std::size_t{0}, offsetof(Table, slots)),
          std::pair(offsetof(Table, slots) + index * sizeof(Slot), sizeof(Slot)),
          std::pair(offsetof(Table, reserved) + index * sizeof(std::uint64_t),
                    sizeof(std::uint64_t)),
          std::pair(offsetof(Table, numbers) + index * sizeof(std::uint64_t),
                    sizeof(std::uint64_t)),
          std::pair(offsetof(Table, last_number), sizeof(std::uint64_t)),
          std::pair(offsetof(Table, makers) + index * sizeof(std::uint64_t),
                    sizeof(std::uint64_t))}) {
      if (auto kept = file.value().keep_room(offset, octets); !kept) return kept.error();
    }
    // What a full disk has no room for, mail goes without.
    auto past =
        file.value().keep_room(offsetof(Table, left), sizeof(Table) - offsetof(Table, left));
    Ledger ledger(std::move(file).value(), index);
    ledger.knows_past_ = past.ok();
    ledger.table().makers[index] = maker;
    auto& used = ledger.table().used;
    auto wanted = static_cast<std::uint32_t>(index + 1);
    for (auto seen = used.load(); seen < wanted && !used.compare_exchange_weak(seen, wanted);) {
    }
    ledger.release();
    return ledger;
  }
  return Error{EAGAIN, "no free slot in", "ledger"};
}

// Runs `action` on a slot that nobody writes to meanwhile: again, where somebody did. False where
// its writer died at it: what that had begun to enter, nobody was told of. A writer that lives may
// wait for the disk behind its memory: it is not spun for.
template <class Action>
bool Ledger::read(std::size_t index, Action action) const {
  const Slot& from = slot(index);
  for (int looks = 0;;) {
    auto before = from.generation.load();
    if (before % 2 == 1) {
      if (!file_.locked_by_other(index)) return false;
      if (++looks > kSpins) std::this_thread::sleep_for(kNap);
      continue;
    }
    action(from);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before == from.generation.load()) return true;
  }
}

// What is in a slot, where `wanted` says so of it; of one that is not wanted, as most are, nothing
// is copied. `to` is whole where it returns true.
template <class Wanted>
bool Ledger::copy(std::size_t index, Wanted wanted, Entry& to) const {
  bool is_wanted = false;
  bool is_whole = read(index, [&](const Slot& from) {
    is_wanted = wanted(from);
    if (!is_wanted) return;
    to.slot = index;
    to.phase = from.phase.load();
    to.first = table().numbers[index].load() < table().numbers[own_].load();
    to.size = from.size;
    to.name.assign(from.name.data(), ::strnlen(from.name.data(), from.name.size()));
  });
  return is_whole && is_wanted;
}

Ledger::Entry Ledger::entry(std::size_t index) const {
  Entry entry;
  return copy(
             index, [](const Slot&) { return true; }, entry)
             ? entry
             : Entry{};
}

Ledger::Entry Ledger::inherited() const { return entry(own_); }

void Ledger::enter(const sys::Digest& digest, std::string_view name, std::uint64_t size,
                   const std::vector<std::string>& places) {
  std::array<std::uint64_t, kPlaceWords> bits{};
  for (const auto& place : places) {
    auto bit = bit_of(place);
    bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
  Slot& own = slot(own_);
  // The pages are there, and may be written to, before others have to wait for what follows.
  table().numbers[own_].fetch_add(0);
  table().last_number.fetch_add(0);
  own.size = size;
  own.places.back() = 0;
  auto generation = own.generation.load() | 1;
  own.generation = generation;
  table().numbers[own_] = ++table().last_number;
  std::atomic_thread_fence(std::memory_order_release);
  own.digest = digest;
  own.size = size;
  own.name.fill(0);
  name.copy(own.name.data(), kNameMax);
  own.places = bits;
  own.phase = Phase::kCommitting;
  own.generation = generation + 1;
}

void Ledger::replied() { slot(own_).phase = Phase::kReplied; }

// No other process writes to the same one, but for one that has slept while thousands went by: what
// is torn then is no message's digest, and hides one message from the past.
void Ledger::keep_past() {
  const Slot& own = slot(own_);
  auto length = ::strnlen(own.name.data(), own.name.size());
  if (!knows_past_ || length > kPastName) return;
  Past& to = table().past[table().left++ % kPast];
  auto generation = to.generation.load() | 1;
  to.generation = generation;
  std::atomic_thread_fence(std::memory_order_release);
  to.digest = beginning(own.digest);
  to.size = own.size;
  to.name.fill(0);
  std::copy_n(own.name.data(), length, to.name.data());
  to.generation = generation + 1;
}

std::vector<Ledger::Entry> Ledger::past(const sys::Digest& digest) const {
  std::vector<Entry> found;
  auto kept = knows_past_ ? std::min<std::uint64_t>(table().left.load(), kPast) : 0;
  for (std::size_t index = 0; index < kept; ++index) {
    const Past& from = table().past[index];
    auto before = from.generation.load();
    if (before % 2 == 1 || from.digest != beginning(digest)) continue;
    Entry entry;
    entry.size = from.size;
    entry.name.assign(from.name.data(), ::strnlen(from.name.data(), from.name.size()));
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before == from.generation.load()) found.push_back(std::move(entry));
  }
  return found;
}

void Ledger::leave() {
  Slot& own = slot(own_);
  // Before the slot is free, so that whoever sees that free sees this.
  if (own.phase.load() != Phase::kFree) keep_past();
  own.phase = Phase::kFree;
  // Even again, should a dead owner have left it odd.
  own.generation = (own.generation.load() | 1) + 1;
}

std::vector<Ledger::Entry> Ledger::others(const sys::Digest& digest, std::string_view place) const {
  std::vector<Entry> found;
  auto is_such = [&](const Slot& slot) {
    if (slot.phase.load() == Phase::kFree || slot.digest != digest) return false;
    auto bit = bit_of(place);  // seldom asked: the content is the same
    return (slot.places[bit / 64] >> (bit % 64) & 1) != 0;
  };
  Entry other;
  std::size_t used = std::min<std::size_t>(table().used.load(), kSlots);
  for (std::size_t index = 0; index < used; ++index) {
    if (index == own_ || !copy(index, is_such, other) || other.phase == Phase::kFree) continue;
    other.alive = is_alive(other);
    found.push_back(other);
  }
  return found;
}

Ledger::Phase Ledger::look_again(const Entry& before) const {
  auto now = entry(before.slot);
  return now.name == before.name ? now.phase : Phase::kFree;
}

bool Ledger::is_alive(const Entry& entry) const {
  return file_.locked_by_other(entry.slot).has_value();
}

void Ledger::reserve(std::uint64_t octets) { table().reserved[own_] = octets + 1; }
void Ledger::release() { table().reserved[own_] = 0; }

Demand Ledger::reserved_by(Others which) const {
  Demand demand;
  std::size_t used = std::min<std::size_t>(table().used.load(), kSlots);
  for (std::size_t index = 0; index < used; ++index) {
    auto reserved = table().reserved[index].load();
    if (index == own_ || reserved == 0) continue;
    if (which == Others::kLiving && !file_.locked_by_other(index)) continue;
    demand.octets += reserved - 1;
    ++demand.files;
  }
  return demand;
}

bool Ledger::is_here(const Owner& owner) const {
  if (owner.maker != 0 && owner.maker == table().makers[own_].load()) return true;
  std::size_t used = std::min<std::size_t>(table().used.load(), kSlots);
  for (std::size_t index = 0; index < used; ++index) {
    auto holder = file_.locked_by_other(index);
    if (!holder) continue;
    auto maker = table().makers[index].load();
    bool may_be = maker == 0 || owner.maker == 0
                      ? *holder == owner.pid || *holder == sys::SharedFile::kUnseen
                      : maker == owner.maker;
    if (may_be) return true;
  }
  return false;
}

bool Ledger::has_unread() const { return table().unread.load() != 0; }
void Ledger::set_unread(bool has) { table().unread = has ? 1 : 0; }

}  // namespace handoff::spool
