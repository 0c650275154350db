#include "spool/maildir.hh"

#include <chrono>
#include <string_view>
#include <vector>

#include "base/text.hh"
#include "spool/folder.hh"
#include "sys/clock.hh"

namespace handoff::spool {
namespace {

constexpr mode_t kMode = 0700;

// Another worker may have made the mailbox just now and not have synced it yet. A mailbox that is
// younger than this is synced by whoever delivers to it: by then its maker has, or has failed.
constexpr std::chrono::seconds kYoung{60};

// Goes down `path` below `root`, making what is missing where `make`. Syncs the parent of each
// component, so that whoever returns from here knows every one of them to be durable. Of what is
// not made here, that which may be passed through and not be read cannot be synced.
Status settle_path(sys::Files& files, const sys::Fd& root, std::string_view path, bool make) {
  sys::Fd here;
  for (std::string_view part : split(path, '/')) {
    const sys::Fd& at = here ? here : root;
    std::string name(part);
    auto made = make ? files.make_directory(at, name, kMode) : Status();
    if (!made && made.error().code != EEXIST) return made;
    if (auto synced = files.sync_directory(at); !synced) return synced;
    auto next = files.open_directory(at, name);
    if (!next && next.error().code == EACCES && !(make && made)) return {};
    if (!next) return next.error();
    here = std::move(next).value();
  }
  return {};
}

// The base itself is never made: a home that is not there may be one that is not mounted.
Status settle_mailbox(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox,
                      std::string_view path, bool make) {
  if (mailbox.base.empty()) return settle_path(files, root, path, make);
  auto base = files.open_root(mailbox.base);
  if (!base) return base.error();
  return settle_path(files, base.value(), path, make);
}

// `new` is made last: where it is there, the others are.
Status make_directories(sys::Files& files, const sys::Fd& place) {
  for (const char* name : {"tmp", "cur", "new"}) {
    auto made = files.make_directory(place, name, kMode);
    if (!made && made.error().code != EEXIST) return made;
  }
  return files.sync_directory(place);
}

// `info`: of MAILBOX/new. Where the filesystem tells no birth, the mailbox's own directory does: it
// was changed when new/ was made in it, and hardly ever since, as new/ is by each delivery.
Result<bool> is_young(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox,
                      const sys::FileInfo& info) {
  auto since = info.born;
  if (!since) {
    auto place = open_in(files, root, mailbox, "");
    if (!place) return place.error();
    auto changed = files.info(place.value());
    if (!changed) return changed.error();
    since = changed.value().modified;
  }
  return sys::Wall::now() - *since < kYoung;
}

struct NewDirectory {
  sys::Fd directory;     // empty: it is not there
  bool settled = false;  // all of the mailbox is durable
};

Result<NewDirectory> find_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  auto directory = open_in(files, root, mailbox, "new");
  if (!directory && directory.error().code == ENOENT) return NewDirectory{};
  if (!directory) return directory.error();
  auto info = files.info(directory.value());
  if (!info) return info.error();
  auto young = is_young(files, root, mailbox, info.value());
  if (!young) return young.error();
  return NewDirectory{std::move(directory).value(), !young.value()};
}

}  // namespace

Status make_maildir(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  bool new_folder = mailbox.create_folder && !mailbox.folder.empty();
  // Whoever made a mailbox that is there, an administrator or a program of the site perhaps, need
  // not have synced it.
  auto settled = settle_mailbox(files, root, mailbox, mailbox.path, mailbox.create);
  if (!settled) return settled;
  if (new_folder) {
    auto inbox = mailbox;
    inbox.folder.clear();
    auto above = open_in(files, root, inbox, "");
    if (!above) return above.error();
    // Readers take a mailbox for one by its own directories.
    if (auto made = make_directories(files, above.value()); !made) return made;
    if (auto made = make_folder(files, above.value(), mailbox.folder); !made) return made;
  } else if (!mailbox.folder.empty()) {
    settled = settle_mailbox(files, root, mailbox, mailbox.below_base(), false);
    if (!settled) return settled;
  }
  auto place = open_in(files, root, mailbox, "");
  if (!place) return place.error();
  if (new_folder) {
    if (auto marked = mark_folder(files, place.value()); !marked) return marked;
  }
  return make_directories(files, place.value());
}

Result<sys::Fd> open_in(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox,
                        const std::string& name) {
  auto path = mailbox.below_base() + (name.empty() ? "" : "/" + name);
  if (mailbox.base.empty()) return files.open_directory(root, path);
  auto base = files.open_root(mailbox.base);
  if (!base) return base;
  return files.open_directory(base.value(), path);
}

Result<std::optional<sys::Fd>> open_settled_new(sys::Files& files, const sys::Fd& root,
                                                const Mailbox& mailbox) {
  auto found = find_new(files, root, mailbox);
  if (!found) return found.error();
  if (!found.value().settled) return std::optional<sys::Fd>();
  return std::optional(std::move(found.value().directory));
}

Result<sys::Fd> open_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  auto found = find_new(files, root, mailbox);
  if (!found) return found.error();
  auto& [directory, settled] = found.value();
  if (settled) return std::move(directory);
  if (auto made = make_maildir(files, root, mailbox); !made) return made.error();
  if (directory) return std::move(directory);
  return open_in(files, root, mailbox, "new");
}

}  // namespace handoff::spool
