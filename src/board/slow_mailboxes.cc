#include "board/slow_mailboxes.hh"

#include "board/board.hh"

namespace handoff::board {

SlowMailbox& SlowMailboxes::entry(std::size_t slot, std::uint64_t mailbox) const {
  auto& entries = board_.slow_mailboxes(slot);
  return entries[mailbox % entries.size()];
}

const SlowMailbox* SlowMailboxes::valid(std::size_t slot, std::uint64_t mailbox) const {
  const auto& found = entry(slot, mailbox);
  if (found.mailbox != mailbox || found.times == 0) return nullptr;
  for (std::size_t other = 0; other < board_.used(); ++other) {
    const auto& seen = entry(other, mailbox);
    if (other != slot && seen.mailbox == mailbox && seen.quick_at >= found.slow_at) return nullptr;
  }
  return &found;
}

bool SlowMailboxes::is_refused(std::uint64_t mailbox, const SlowPolicy& policy,
                               std::uint64_t now) const {
  auto longest = now + static_cast<std::uint64_t>(policy.pause.count());
  for (std::size_t slot = 0; slot < board_.used(); ++slot) {
    const auto& found = entry(slot, mailbox);
    if (found.mailbox != mailbox || found.until <= now || found.until > longest) continue;
    if (valid(slot, mailbox) != nullptr) return true;
  }
  return false;
}

bool SlowMailboxes::ended(std::uint64_t mailbox, bool slow, const SlowPolicy& policy,
                          std::uint64_t now) const {
  if (policy.limit == 0) return false;
  auto& own = entry(own_, mailbox);
  std::uint64_t others = 0;
  bool known = own.mailbox == mailbox;
  bool known_to_others = false;
  for (std::size_t slot = 0; slot < board_.used(); ++slot) {
    if (slot == own_) continue;
    known_to_others = known_to_others || entry(slot, mailbox).mailbox == mailbox;
    if (const auto* found = valid(slot, mailbox)) others += found->times;
  }
  if (!known) {
    // Nothing is recorded if another mailbox, which is refused, occupies the entry, or if nothing
    // about this mailbox is worth recording.
    if (own.until > now || (!slow && !known_to_others)) return false;
    own.times = own.slow_at = own.quick_at = own.until = 0;
    own.mailbox = mailbox;
  }
  if (!slow) {
    own.times = own.until = 0;
    own.quick_at = now;
    return false;
  }
  // This worker's count is void if another worker has since found the mailbox quick.
  auto times = (valid(own_, mailbox) != nullptr ? own.times.load() : 0) + 1;
  own.times = times;
  own.slow_at = now;
  if (times + others < policy.limit) return false;
  own.until = now + static_cast<std::uint64_t>(policy.pause.count());
  return true;
}

}  // namespace handoff::board
