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

// Checks a directory above a mailbox, which only root and workers create, and makes it passable for
// other users.
Status settle_above(sys::Files& files, const sys::Fd& directory, const std::string& name,
                    const sys::Account& worker) {
  auto info = files.info(directory);
  if (!info) return info.error();
  if (info.value().owner != 0 && info.value().owner != worker.uid) {
    return explained(EPERM, "mailboxes are never created in a directory of another user", name);
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
  // On a disk where root has no rights (NFS), the owner's process will report the error.
  if (!settled && settled.error().code == EACCES) return {};
  if (!settled) return settled.error();
  if (settled.value()) return {};
  sys::Fd here;
  auto parts = split(inbox.path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const sys::Fd& at = here ? here : spool;
    std::string name(parts[i]);
    if (name.starts_with('.')) return explained(EPERM, "not a valid name of a mailbox", name);
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
    // An existing directory is synced too: its creator may not have synced it yet.
    if (auto synced = files.sync_directory(at); !synced) return synced;
    here = std::move(next);
  }
  return {};
}

}  // namespace handoff::delivery
