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

// Makes `path` below `root` component by component; existing ones are fine. Syncs the parent of
// each, so that whoever returns from here knows every one of them to be durable.
Status make_path(sys::Files& files, const sys::Fd& root, std::string_view path) {
  sys::Fd here;
  for (std::string_view part : split(path, '/')) {
    const sys::Fd& at = here ? here : root;
    std::string name(part);
    auto made = files.make_directory(at, name, kMode);
    if (!made && made.error().code != EEXIST) return made;
    if (auto synced = files.sync_directory(at); !synced) return synced;
    auto next = files.open_directory(at, name);
    if (!next) return next.error();
    here = std::move(next).value();
  }
  return {};
}

// The base itself is never made: a home that is not there may be one that is not mounted.
Status make_mailbox(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  if (mailbox.base.empty()) return make_path(files, root, mailbox.path);
  auto base = files.open_root(mailbox.base);
  if (!base) return base.error();
  return make_path(files, base.value(), mailbox.path);
}

// `new` is made last: where it is there, the others are.
Status make_directories(sys::Files& files, const sys::Fd& place) {
  for (const char* name : {"tmp", "cur", "new"}) {
    auto made = files.make_directory(place, name, kMode);
    if (!made && made.error().code != EEXIST) return made;
  }
  return files.sync_directory(place);
}

bool is_young(const sys::FileInfo& info) {
  return info.born && sys::Wall::now() - *info.born < kYoung;
}

}  // namespace

Status make_maildir(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  if (mailbox.create) {
    if (auto made = make_mailbox(files, root, mailbox); !made) return made;
  }
  if (!mailbox.folder.empty()) {
    auto inbox = mailbox;
    inbox.folder.clear();
    inbox.create_folder = false;
    auto above = open_in(files, root, inbox, "");
    if (!above) return above.error();
    if (mailbox.create_folder) {
      // Readers take a mailbox for one by its own directories.
      if (auto made = make_directories(files, above.value()); !made) return made;
      if (auto made = make_folder(files, above.value(), mailbox.folder); !made) return made;
    } else if (auto synced = files.sync_directory(above.value()); !synced) {
      return synced;
    }
  }
  auto place = open_in(files, root, mailbox, "");
  if (!place) return place.error();
  if (mailbox.create_folder && !mailbox.folder.empty()) {
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

Result<sys::Fd> open_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  auto directory = open_in(files, root, mailbox, "new");
  if (!directory && directory.error().code == ENOENT) {
    if (auto made = make_maildir(files, root, mailbox); !made) return made.error();
    return open_in(files, root, mailbox, "new");
  }
  if (!directory) return directory;
  auto info = files.info(directory.value());
  if (!info) return info.error();
  if (is_young(info.value())) {
    if (auto made = make_maildir(files, root, mailbox); !made) return made.error();
  }
  return directory;
}

}  // namespace handoff::spool
