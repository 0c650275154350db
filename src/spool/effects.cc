#include "spool/effects.hh"

#include <cerrno>

#include "spool/records.hh"
#include "spool/spool.hh"

namespace handoff::spool {

Effects::~Effects() {
  drop(0);
  for (const auto& name : records_) {
    if (auto records = spool_.records()) records.value()->remove(name);
  }
}

Durable Effects::durable(bool shared) const {
  if (!shared) return Durable::kByDirectory;
  return spool_.file_sync_ == sys::FileSync::kNamesInOrder ? Durable::kByOrder
                                                           : Durable::kWithNames;
}

Status Effects::queue(const Staged& staged, const std::string& key, const Outgoing& outgoing,
                      bool shared) {
  auto queue = spool_.queue();
  if (!queue) return queue.error();
  auto recorded = outgoing;
  recorded.record = record_name(staged.name, key);
  auto name = queue.value()->add(staged, ++count_, recorded, durable(shared));
  if (!name) return name.error();
  pending_.emplace_back(Queued{std::move(name).value(), staged.folder});
  return {};
}

Status Effects::mark(const UserMark& mark, bool shared) {
  auto marks = spool_.marks();
  if (!marks) return marks.error();
  pending_.emplace_back(mark);
  return marks.value()->set(mark, durable(shared));
}

Status Effects::record(const Staged& staged, const std::string& key, bool shared) {
  auto records = spool_.records();
  if (!records) return records.error();
  auto name = record_name(staged.name, key);
  auto added = records.value()->add(staged, name, durable(shared));
  // The client has named the recipient twice.
  if (!added && added.error().code == EEXIST) return {};
  pending_.emplace_back(Record{name, staged.folder});
  return added;
}

// If names have no order, the mark could reach the disk before the record: it waits for the sync.
void Effects::mark_recorded(const UserMark& mark, bool shared) {
  if (durable(shared) == Durable::kWithNames) {
    pending_.emplace_back(Late{mark});
    return;
  }
  pending_.emplace_back(mark);
  if (auto marks = spool_.marks())
    static_cast<void>(marks.value()->set(mark, durable(shared)).ok());
}

void Effects::drop(std::size_t left) {
  while (pending_.size() > left) {
    std::visit([&](const auto& added) { undo(added); }, pending_.back());
    pending_.pop_back();
  }
}

void Effects::undo(const Queued& queued) {
  if (auto queue = spool_.queue()) queue.value()->take_back(queued.name, *queued.staging);
}

void Effects::undo(const UserMark& mark) {
  if (auto marks = spool_.marks()) marks.value()->unset(mark);
}

void Effects::undo(const Record& record) {
  if (auto records = spool_.records()) records.value()->take_back(record.name, *record.staging);
}

Status Effects::commit() {
  // If names have no order, the removal of the record may reach the disk before the new name of the
  // envelope. Names that are on different servers of a shared filesystem have none.
  bool sync = spool_.file_sync_ == sys::FileSync::kFile || spool_.shared_;
  Status done;
  for (const auto& added : pending_) {
    if (const auto* record = std::get_if<Record>(&added)) records_.push_back(record->name);
    if (const auto* late = std::get_if<Late>(&added)) {
      if (auto marks = spool_.marks())
        static_cast<void>(marks.value()->set(late->mark, Durable::kWithNames).ok());
    }
    const auto* queued = std::get_if<Queued>(&added);
    if (queued == nullptr) continue;
    ++queued_;
    auto queue = spool_.queue();
    auto committed = queue ? queue.value()->commit(queued->name, sync) : Status(queue.error());
    if (!committed) done = committed;
  }
  pending_.clear();
  return done;
}

}  // namespace handoff::spool
