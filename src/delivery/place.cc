#include "delivery/place.hh"

#include <cerrno>
#include <string>
#include <utility>

#include "base/text.hh"
#include "spool/maildir.hh"

namespace handoff::delivery {
namespace {

constexpr mode_t kOwn = 0700;
constexpr mode_t kAbove = 0711;

Status give_if_new(sys::Files& files, const sys::Fd& directory, uid_t uid, gid_t gid, mode_t mode) {
  auto info = files.info(directory);
  if (!info) return info.error();
  if (info.value().owner != 0) return {};
  auto names = files.list(directory);
  if (!names) return names.error();
  return names.value().empty() ? files.give(directory, uid, gid, mode) : Status();
}

}  // namespace

Status make_place(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox,
                  const sys::Account& worker) {
  if (!mailbox.create || !mailbox.base.empty() || !mailbox.owner) return {};
  auto inbox = mailbox;
  inbox.folder.clear();
  auto settled = spool::open_settled_new(files, spool, inbox);
  if (!settled) return settled.error();
  if (settled.value()) return {};
  sys::Fd here;
  auto parts = split(inbox.path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const sys::Fd& at = here ? here : spool;
    std::string name(parts[i]);
    bool own = i + 1 == parts.size();
    auto made = files.make_directory(at, name, own ? kOwn : kAbove);
    if (!made && made.error().code != EEXIST) return made;
    auto next = files.open_directory(at, name);
    if (!next) return next.error();
    auto given =
        own ? give_if_new(files, next.value(), mailbox.owner->uid, mailbox.owner->gid, kOwn)
            : give_if_new(files, next.value(), worker.uid, worker.gid, kAbove);
    if (!given) return given;
    // Also where it was there: who made it may not have synced it yet.
    if (auto synced = files.sync_directory(at); !synced) return synced;
    here = std::move(next).value();
  }
  return {};
}

}  // namespace handoff::delivery
