#include "board/slow_mailboxes.hh"

namespace handoff::board {

bool SlowMailboxes::is_put_off(std::uint64_t mailbox, std::uint64_t now) const {
  if (entries_.empty()) return false;
  const auto& entry = entries_[mailbox % entries_.size()];
  return entry.mailbox == mailbox && entry.until > now;
}

bool SlowMailboxes::ended(std::uint64_t mailbox, bool slow, const SlowPolicy& policy,
                          std::uint64_t now) const {
  if (entries_.empty() || policy.limit == 0) return false;
  auto& entry = entries_[mailbox % entries_.size()];
  bool known = entry.mailbox == mailbox;
  if (!slow) {
    // It is well again; others may have the entry.
    if (known) entry.mailbox = entry.times = entry.until = 0;
    return false;
  }
  if (!known) {
    if (entry.until > now) return false;  // another one's, and in force
    entry.times = entry.until = 0;
    entry.mailbox = mailbox;
  }
  auto times = entry.times + 1;
  entry.times = times;
  if (times < policy.limit) return false;
  entry.until = now + static_cast<std::uint64_t>(policy.pause.count());
  return true;
}

}  // namespace handoff::board
