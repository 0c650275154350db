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

// What is above a mailbox: only root and workers make it, and others have to come through.
Status settle_above(sys::Files& files, const sys::Fd& directory, const std::string& name,
                    const sys::Account& worker) {
  auto info = files.info(directory);
  if (!info) return info.error();
  if (info.value().owner != 0 && info.value().owner != worker.uid) {
    return Error{EPERM, "a mailbox is made in no directory of another user's", name};
  }
  bool is_closed = info.value().owner == worker.uid && (info.value().mode & 0111) != 0111;
  return is_closed ? files.let_pass(directory) : Status();
}

}  // namespace

Status make_place(sys::Files& files, const sys::Fd& spool, const Mailbox& mailbox,
                  const sys::Account& worker) {
  if (!mailbox.create || !mailbox.base.empty() || !mailbox.owner) return {};
  auto inbox = mailbox;
  inbox.folder.clear();
  auto settled = spool::open_settled_new(files, spool, inbox);
  // Where its disk knows no root, its owner will see.
  if (!settled && settled.error().code == EACCES) return {};
  if (!settled) return settled.error();
  if (settled.value()) return {};
  sys::Fd here;
  auto parts = split(inbox.path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const sys::Fd& at = here ? here : spool;
    std::string name(parts[i]);
    if (name.starts_with('.')) return Error{EPERM, "no name of a mailbox", name};
    bool own = i + 1 == parts.size();
    auto made =
        own ? files.make_directory_of(at, name, mailbox.owner->uid, mailbox.owner->gid, kOwn)
            : files.make_directory_of(at, name, worker.uid, worker.gid, kAbove);
    if (!made && made.error().code != EEXIST) return made;
    sys::Fd next;
    if (!own) {
      auto opened = files.open_directory(at, name);
      if (!opened) return opened.error();
      next = std::move(opened).value();
      if (auto above = settle_above(files, next, name, worker); !above) return above;
    }
    // Also where it was there: who made it may not have synced it yet.
    if (auto synced = files.sync_directory(at); !synced) return synced;
    here = std::move(next);
  }
  return {};
}

}  // namespace handoff::delivery
