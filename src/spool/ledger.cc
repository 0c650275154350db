#include "spool/ledger.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "sys/clock.hh"

namespace handoff::spool {
namespace {

// More than workers.max allows, so that some are left for --stdin.
constexpr std::size_t kSlots = 16384;
constexpr std::size_t kNameMax = 255;  // a file name, octets
// The unit is 64 bits. With 50 places, one foreign place in 120 gives a false positive.
constexpr std::size_t kPlaceWords = 96;
constexpr int kSpins = 100;
constexpr std::chrono::milliseconds kNap{1};
constexpr std::chrono::seconds kMaxWait{5};  // how long to wait for the writer of a slot
constexpr std::size_t kPast = 2048;          // messages: two seconds at 1,000 messages per second
constexpr std::size_t kPastName = 108;       // octets; messages with longer names are not recorded

std::uint64_t beginning(const sys::Digest& digest) {
  std::uint64_t octets;
  std::memcpy(&octets, digest.data(), sizeof octets);
  return octets;
}

// Returns the bit that represents a place in the filter.
std::size_t bit_of(std::string_view place) {
  return beginning(sys::digest_of(place)) % (kPlaceWords * 64);
}

}  // namespace

// All zeros is a valid, free slot, as in a new file. `generation` is odd while the rest is being
// written, so that readers in other processes notice.
struct Ledger::Slot {
  std::atomic<Phase> phase;
  std::atomic<std::uint32_t> generation;
  sys::Digest digest;
  std::array<std::uint8_t, 16> unused;  // the second half of the digests of earlier builds
  std::uint64_t size;
  std::array<char, kNameMax + 1> name;
  std::array<std::uint64_t, kPlaceWords> places;
};

// A message that has left its slot. The generation is odd while it is written, and stays odd if its
// writer died.
struct Ledger::Past {
  std::atomic<std::uint32_t> generation;
  std::array<char, kPastName> name;
  std::uint64_t digest;  // only its first octets, because the content is compared anyway
  std::uint64_t size;
};

struct Ledger::Table {
  std::atomic<std::uint32_t> unread;
  std::atomic<std::uint32_t> used;  // slots that were ever taken; readers look no further
  std::array<Slot, kSlots> slots;
  // For each slot: octets wanted plus one, or 0. This and all that follows comes after the slots,
  // because processes of an older program version, which map less, may use the same file.
  std::array<std::atomic<std::uint64_t>, kSlots> reserved;
  // The order in which the messages in the slots were entered (Lamport's bakery algorithm: a
  // process that draws a number has made its generation odd; a process with a higher number waits
  // until that generation is even).
  std::array<std::atomic<std::uint64_t>, kSlots> numbers;
  std::atomic<std::uint64_t> last_number;
  std::array<std::atomic<std::uint64_t>, kSlots>
      makers;  // identifies the names made by each slot's process
  // A ring buffer of past messages.
  std::atomic<std::uint64_t> left;  // messages that were ever added to it
  std::array<Past, kPast> past;
};
static_assert(std::atomic<Ledger::Phase>::is_always_lock_free);

Ledger::Ledger(sys::SharedFile file, std::size_t own) : file_(std::move(file)), own_(own) {}

Ledger::Table& Ledger::table() const { return *static_cast<Table*>(file_.memory()); }
Ledger::Slot& Ledger::slot(std::size_t index) const { return table().slots[index]; }

Result<Ledger> Ledger::open(const sys::Fd& own_directory, std::uint64_t maker) {
  auto ledger = open_shared(own_directory, maker, false);
  if (ledger || (ledger.error().code != ENOSPC && ledger.error().code != EDQUOT)) return ledger;
  auto memory = sys::SharedFile::anonymous(sizeof(Table));
  if (!memory) return memory.error();
  Ledger unshared(std::move(memory).value(), 0);
  unshared.directory_ = sys::duplicate(own_directory);
  unshared.maker_ = maker;
  return unshared;
}

Result<Ledger> Ledger::alone(std::uint64_t maker) {
  auto memory = sys::SharedFile::anonymous(sizeof(Table));
  if (!memory) return memory.error();
  Ledger ledger(std::move(memory).value(), 0);
  ledger.table().makers[0] = maker;
  ledger.table().used = 1;
  return ledger;
}

void Ledger::share() {
  auto ledger = open_shared(directory_, maker_, true);
  if (!ledger) return;
  ledger.value().table().reserved[ledger.value().own_] = table().reserved[own_].load();
  // There may be markers from before this process; only reading the directory shows whether there
  // are.
  ledger.value().set_unread(true);
  ledger.value().has_reserved_ = has_reserved_;
  *this = std::move(ledger).value();
}

Result<Ledger> Ledger::open_shared(const sys::Fd& own_directory, std::uint64_t maker, bool clean) {
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
    auto& slots = static_cast<Table*>(file.value().memory())->slots;
    if (clean && slots[index].phase != Phase::kFree) {
      file.value().unlock(index);
      continue;
    }
    // If the disk is too full for the past messages, they are not recorded.
    auto past =
        file.value().keep_room(offsetof(Table, left), sizeof(Table) - offsetof(Table, left));
    Ledger ledger(std::move(file).value(), index);
    ledger.knows_past_ = past.ok();
    ledger.table().makers[index] = maker;
    auto& used = ledger.table().used;
    auto wanted = static_cast<std::uint32_t>(index + 1);
    for (auto seen = used.load(); seen < wanted && !used.compare_exchange_weak(seen, wanted);) {
    }
    ledger.table().reserved[index] = 0;  // the message was left by a dead process
    return ledger;
  }
  return explained(EAGAIN, "the ledger has no free slot");
}

// Runs `action` on a slot while no process writes to it, and repeats it if one did. Returns false
// if the writer died meanwhile: its incomplete entry was never promised to a client. A living
// writer may be waiting for the disk that holds the memory. It gets a few seconds and no more, so
// that a compromised process cannot block all others.
template <class Action>
bool Ledger::read(std::size_t index, Action action) const {
  const Slot& from = slot(index);
  sys::Steady::time_point until;
  for (int looks = 0;; ++looks) {
    auto before = from.generation.load();
    if (before % 2 == 0) {
      action(from);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before == from.generation.load()) return true;
    } else if (given_up_ == std::pair(index, before) || !file_.locked_by_other(index)) {
      return false;
    }
    if (looks < kSpins) continue;
    if (looks == kSpins) until = sys::Steady::now() + kMaxWait;
    if (sys::Steady::now() >= until) {
      given_up_ = {index, before};
      return false;
    }
    std::this_thread::sleep_for(kNap);
  }
}

// Copies a slot if `wanted` returns true for it, which is rare. `to` is consistent if this returns
// true.
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
  // Touches the pages now: a page fault during the following steps would keep other processes
  // waiting.
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

// No other process writes to the same entry, except one that has slept while thousands of messages
// passed. The entry is then inconsistent: its digest matches no message, so that one past message
// is no longer recognised.
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
  // Added before the slot becomes free, so that a process that sees the free slot also sees the
  // entry.
  if (own.phase.load() != Phase::kFree) keep_past();
  own.phase = Phase::kFree;
  // Makes the generation even again, in case a dead owner left it odd.
  own.generation = (own.generation.load() | 1) + 1;
}

std::vector<Ledger::Entry> Ledger::others(const sys::Digest& digest, std::string_view place) const {
  std::vector<Entry> found;
  auto is_such = [&](const Slot& slot) {
    if (slot.phase.load() == Phase::kFree || slot.digest != digest) return false;
    auto bit = bit_of(place);  // rarely needed, because only equal content gets here
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

Ledger::Reservation Ledger::reserve(std::uint64_t octets) {
  if (std::exchange(has_reserved_, true)) std::abort();
  table().reserved[own_] = octets + 1;
  return Reservation(*this, octets);
}

Ledger::Reservation& Ledger::Reservation::operator=(Reservation&& other) noexcept {
  release();
  ledger_ = std::exchange(other.ledger_, nullptr);
  octets_ = other.octets_;
  return *this;
}

void Ledger::Reservation::written(std::uint64_t octets) {
  if (ledger_ == nullptr) return;
  ledger_->table().reserved[ledger_->own_] = octets_ > octets ? octets_ - octets + 1 : 1;
}

void Ledger::Reservation::release() {
  auto* ledger = std::exchange(ledger_, nullptr);
  if (ledger == nullptr) return;
  ledger->table().reserved[ledger->own_] = 0;
  ledger->has_reserved_ = false;
}

Demand Ledger::reserved_by(Others which) {
  if (directory_) share();
  if (directory_) return {UINT64_MAX / 2, 0};
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
  if (directory_) return true;  // unknown: nothing of it may be removed
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
