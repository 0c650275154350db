#include "spool/maildir.hh"

#include <chrono>
#include <string_view>
#include <vector>

#include "base/text.hh"
#include "spool/folder.hh"
#include "sys/clock.hh"

namespace handoff::spool {
namespace {

// Another worker may have just created the mailbox and not synced it yet. Every delivery to a
// mailbox younger than this syncs it; after that time its creator has synced it or failed.
constexpr std::chrono::seconds kYoung{60};

// Follows `path` below `root` and creates missing directories if `make`. Syncs the parent of each
// component, so that all of them are durable on return. An existing directory cannot be synced if
// this user may enter but not read it.
Status settle_path(sys::Files& files, const sys::Fd& root, std::string_view path, bool make) {
  sys::Fd here;
  for (std::string_view part : split(path, '/')) {
    const sys::Fd& at = here ? here : root;
    std::string name(part);
    auto made = make ? files.make_directory(at, name, kDirectoryMode) : Status();
    if (!made && made.error().code != EEXIST) return made;
    if (auto synced = files.sync_directory(at); !synced) return synced;
    auto next = files.open_directory(at, name);
    if (!next && next.error().code == EACCES && !(make && made)) return {};
    if (!next) return next.error();
    here = std::move(next).value();
  }
  return {};
}

// The base is never created: a missing home directory may be an unmounted one.
Status settle_mailbox(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox,
                      std::string_view path, bool make) {
  if (mailbox.base.empty()) return settle_path(files, root, path, make);
  auto base = files.open_root(mailbox.base);
  if (!base) return base.error();
  return settle_path(files, base.value(), path, make);
}

// `new` is created last, so if it exists, the others exist.
Status make_directories(sys::Files& files, const sys::Fd& place) {
  auto access = access_in(files, place);
  if (!access) return access.error();
  for (const char* name : {"tmp", "cur", "new"}) {
    auto made = make_directory(files, place, name, access.value());
    if (!made && made.error().code != EEXIST) return made;
  }
  return files.sync_directory(place);
}

// `info` describes MAILBOX/new. If the filesystem does not record the time of birth, the age of the
// mailbox's own directory is used: it changed when new/ was created in it and rarely since, whereas
// new/ changes with each delivery.
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

struct FoundNew {
  sys::Fd directory;  // empty: it does not exist
  bool shared = false;
  bool settled = false;  // the whole mailbox is durable
};

Result<FoundNew> find_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  auto directory = open_in(files, root, mailbox, "new");
  if (!directory && directory.error().code == ENOENT) return FoundNew{};
  if (!directory) return directory.error();
  auto info = files.info(directory.value());
  if (!info) return info.error();
  auto young = is_young(files, root, mailbox, info.value());
  if (!young) return young.error();
  return FoundNew{std::move(directory).value(), is_shared(info.value()), !young.value()};
}

}  // namespace

Error with_whole_path(const Mailbox& mailbox, Error error) {
  if (error.path.empty()) {
    error.path = mailbox.place();
  } else if (error.path == mailbox.path || error.path.starts_with(mailbox.path + "/")) {
    error.path = (mailbox.base.empty() ? "" : mailbox.base + "/") + error.path;
  } else if (!error.path.starts_with('/')) {
    error.path = mailbox.place() + "/" + error.path;
  }
  return error;
}

Status make_maildir(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  bool new_folder = mailbox.create_folder && !mailbox.folder.empty();
  // An existing mailbox may have been created by an administrator or a program of the site that did
  // not sync it.
  auto settled = settle_mailbox(files, root, mailbox, mailbox.path, mailbox.create);
  if (!settled) return settled;
  if (new_folder) {
    auto inbox = mailbox;
    inbox.folder.clear();
    auto above = open_in(files, root, inbox, "");
    if (!above) return above.error();
    // Readers recognise a mailbox by its own directories.
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

Result<std::optional<NewDirectory>> open_settled_new(sys::Files& files, const sys::Fd& root,
                                                     const Mailbox& mailbox) {
  auto found = find_new(files, root, mailbox);
  if (!found) return found.error();
  auto& [directory, shared, settled] = found.value();
  if (!settled) return std::optional<NewDirectory>();
  return std::optional(NewDirectory{std::move(directory), shared});
}

Result<NewDirectory> open_new(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  auto found = find_new(files, root, mailbox);
  if (!found) return found.error();
  auto& [directory, shared, settled] = found.value();
  if (settled) return NewDirectory{std::move(directory), shared};
  if (auto made = make_maildir(files, root, mailbox); !made) return made.error();
  if (directory) return NewDirectory{std::move(directory), shared};
  auto opened = open_in(files, root, mailbox, "new");
  if (!opened) return opened.error();
  auto info = files.info(opened.value());
  if (!info) return info.error();
  return NewDirectory{std::move(opened).value(), is_shared(info.value())};
}

Result<Access> access_of(sys::Files& files, const sys::Fd& root, const Mailbox& mailbox) {
  auto directory = open_in(files, root, mailbox, "");
  if (!directory) return directory.error();
  return access_in(files, directory.value());
}

}  // namespace handoff::spool
