#include "spool/takeover.hh"

#include <cerrno>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "spool/guard.hh"
#include "spool/outgoing_queue.hh"
#include "spool/own_directory.hh"
#include "spool/shared.hh"

namespace handoff::spool {
namespace {

// A plan was carried out if its record exists. Until the message is removed from `taken`, that is
// certain; afterwards, a plan without a record counts as one whose replies were read.
Status decide_outgoing(sys::Files& files, const sys::Fd& own, const std::vector<std::string>& taken,
                       const std::function<Status()>& between) {
  auto outgoing = files.open_directory(own, "outgoing");
  if (!outgoing) return outgoing.error().code == ENOENT ? Status() : outgoing.error();
  auto done = files.open_directory(own, "done");
  if (!done && done.error().code != ENOENT) return done.error();
  std::unordered_set<std::string> names(taken.begin(), taken.end());
  auto is_committed = [&](const std::string&, const std::string& record) -> Result<bool> {
    if (auto go_on = between(); !go_on) return go_on.error();
    if (!done) return false;
    auto synced = sync_name(files, done.value(), record, true);
    return synced || synced.error().code == ENOENT ? Result<bool>(synced.ok()) : synced.error();
  };
  OutgoingQueue queue(files, std::move(outgoing).value(), true);
  auto decided =
      queue.recover([&](const std::string& name) { return names.contains(name); }, is_committed);
  return decided ? Status() : decided.error();
}

}  // namespace

Result<std::size_t> settle(sys::Files& files, const sys::Fd& own, const sys::Fd& taken,
                           const std::function<Status()>& between) {
  auto names = files.list(taken);
  if (!names) return names.error();
  if (names.value().empty()) return std::size_t{0};
  auto unread = open_or_make(files, own, "unread");
  if (!unread) return unread.error();
  for (const auto& name : names.value()) {
    if (auto go_on = between(); !go_on) return go_on.error();
    auto info = files.info_at(taken, name);
    if (!info) return info.error();
    auto recorded = record_unread(files, unread.value(), name, info.value().size);
    if (!recorded) return recorded.error();
  }
  auto decided = decide_outgoing(files, own, names.value(), between);
  if (!decided) return decided.error();
  for (const auto& name : names.value()) {
    if (auto go_on = between(); !go_on) return go_on.error();
    auto removed = files.unlink(taken, name);
    if (!removed && removed.error().code != ENOENT) return removed.error();
  }
  return names.value().size();
}

}  // namespace handoff::spool
