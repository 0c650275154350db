#include "spool/mailbox_writer.hh"

#include <cerrno>
#include <utility>

#include "spool/maildir.hh"
#include "spool/newline.hh"
#include "spool/shared.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kCopyBuffer = 256 << 10;  // octets
// If a name is taken, another host has the same name, process id and random number. More than a few
// such names indicate a fault.
constexpr int kNameTries = 5;

// A file in MAILBOX/tmp, removed with the object.
struct Temporary {
  sys::Files& files;
  sys::Fd directory;
  std::string name;
  ~Temporary() { static_cast<void>(files.unlink(directory, name).ok()); }
};

// Where a delivered file is: only messages with flags are put into cur/.
const char* folder_of(std::string_view file) { return file.find(':') == file.npos ? "new" : "cur"; }

// Returns `result`, which concerns `mailbox`, with the whole path in its error.
template <class T>
Result<T> named(const Mailbox& mailbox, Result<T> result) {
  if (result) return result;
  return with_whole_path(mailbox, result.error());
}

Mailbox inbox_of(Mailbox mailbox) {
  mailbox.folder.clear();
  return mailbox;
}

// Copies `source` into `file`, with `personal` after its first line. Returns the octets written.
Result<std::uint64_t> copy_octets(sys::Files& files, const sys::Fd& source, const sys::Fd& file,
                                  std::string_view personal) {
  std::vector<char> buffer(kCopyBuffer);
  std::uint64_t offset = 0;
  bool first_line = !personal.empty();
  for (;;) {
    auto n = files.read_at(source, offset, buffer.data(), buffer.size());
    if (!n) return n.error();
    std::string_view octets(buffer.data(), n.value());
    if (octets.empty()) return offset + (first_line ? 0 : personal.size());
    offset += octets.size();
    if (first_line && octets.find('\n') != octets.npos) {
      auto line = octets.substr(0, octets.find('\n') + 1);
      octets.remove_prefix(line.size());
      for (auto piece : {line, personal}) {
        if (auto done = files.write(file, piece); !done) return done.error();
      }
      first_line = false;
    }
    if (auto done = files.write(file, octets); !done) return done.error();
  }
}

}  // namespace

Result<std::optional<EarlierCopy>> MailboxWriter::find_earlier(
    const Staged& staged, const Mailbox& mailbox, const std::vector<std::string>& names) {
  using Found = Result<std::optional<EarlierCopy>>;
  auto search = [&]() -> Found {
    auto directory = open_in(files_, root_, mailbox, "");
    if (!directory && directory.error().code == ENOENT) return std::optional<EarlierCopy>();
    if (!directory) return directory.error();
    return find_earlier_copy(files_, directory.value(), names, staged);
  };
  auto found = search();
  // The process that made the earlier attempt may have died before it counted the message.
  if (found && found.value()) quotas_.mark_uncertain(mailbox);
  return named(mailbox, std::move(found));
}

Result<std::optional<Delivered>> MailboxWriter::link(const Staged& staged, const Mailbox& mailbox,
                                                     const QuotaUse& pending, const Flags& flags) {
  using Linked = Result<std::optional<Delivered>>;
  auto try_link = [&]() -> Linked {
    auto quota = quotas_.state(mailbox, staged.size, Quotas::Counts::kNever);
    if ((quota && !quota.value().certain) || is_missing(mailbox)) return std::optional<Delivered>();
    if (quota) {
      auto& state = quota.value();
      if (auto room = Quotas::check(state, staged.size); !room) return room.error();
      if (state.use) {
        state.use->size += pending.size;
        state.use->messages += pending.messages;
      }
      // If two folders of one mailbox compete for the room, deliver() decides, because it counts
      // the first.
      if (!Quotas::check(state, staged.size)) return std::optional<Delivered>();
    }
    auto directory = open_settled_new(files_, root_, mailbox);
    if (!directory) return directory.error();
    if (!directory.value()) return std::optional<Delivered>();
    if (directory.value()->shared) {
      auto access = access_of(files_, root_, mailbox);
      if (!access) return access.error();
      if (access.value().file != kFileMode)
        return std::optional<Delivered>();  // it needs a file of its own
    }
    auto target = target_in(mailbox, std::move(directory.value()->directory), flags);
    if (!target) return target.error();
    auto name = link_unique(*staged.folder, staged.name, target.value(),
                            with_size(staged.target(), staged.size), staged.size);
    if (!name && needs_copy(name.error().code, staged.size)) return std::optional<Delivered>();
    if (!name) return name.error();
    Delivered delivered{name.value(), staged.size, false, false};
    if (quota && quota.value().limits.any()) {
      delivered.quota = quota.value();
      delivered.quota->add(staged.size);
    }
    return std::optional(std::move(delivered));
  };
  return named(mailbox, try_link());
}

void MailboxWriter::count(const Mailbox& mailbox, const Delivered& delivered) {
  if (delivered.quota) quotas_.add(mailbox, delivered.size);
}

void MailboxWriter::unlink(const Staged& staged, const Mailbox& mailbox, const std::string& file) {
  auto directory = open_in(files_, root_, mailbox, folder_of(file));
  if (directory) {
    static_cast<void>(take_back(staged, directory.value(), file).ok());
  } else {
    left_name_ = true;
  }
}

void MailboxWriter::remove(const Staged& staged, const Mailbox& mailbox, const std::string& file) {
  auto directory = open_in(files_, root_, mailbox, folder_of(file));
  if (!directory) {
    left_name_ = true;
    return;
  }
  if (take_back(staged, directory.value(), file))
    static_cast<void>(files_.sync_directory(directory.value()).ok());
  quotas_.mark_uncertain(mailbox);
}

// If another host has taken the spool over, the copy stays: that host may have answered a retry
// with 250 because of it.
Status MailboxWriter::take_back(const Staged& staged, const sys::Fd& directory,
                                const std::string& file) {
  Error elsewhere{EXDEV, "rename", file};
  auto removed = shared_ && staged.folder != nullptr
                     ? spool::take_back(files_, directory, file, *staged.folder, true)
                     : Status(elsewhere);
  if (!removed && removed.error().code == EXDEV) removed = files_.unlink(directory, file);
  if (!removed && removed.error().code != ENOENT) left_name_ = true;
  return removed;
}

Result<MailboxWriter::Target> MailboxWriter::target_in(const Mailbox& mailbox,
                                                       sys::Fd new_directory, const Flags& flags) {
  if (!flags.any()) return Target{std::move(new_directory), "", shared_};
  auto place = open_in(files_, root_, mailbox, "");
  if (!place) return place.error();
  auto cur = open_in(files_, root_, mailbox, "cur");
  if (!cur) return cur.error();
  return Target{std::move(cur).value(), info_suffix(files_, place.value(), flags), shared_};
}

Result<Delivered> MailboxWriter::deliver(const Staged& staged, const Mailbox& mailbox,
                                         std::string_view personal, const Flags& flags) {
  return named(mailbox, write(staged, mailbox, personal, flags));
}

Result<Delivered> MailboxWriter::write(const Staged& staged, const Mailbox& mailbox,
                                       std::string_view personal, const Flags& flags) {
  auto quota = quotas_.state(mailbox, staged.size);
  if (quota) {
    if (auto room = Quotas::check(quota.value(), staged.size); !room) return room.error();
  }
  if (auto created = create(mailbox); !created) return created.error();
  auto directory = open_new(files_, root_, mailbox);
  if (!directory) return directory.error();
  Access access;
  if (directory.value().shared) {
    auto found = access_of(files_, root_, mailbox);
    if (!found) return found.error();
    access = found.value();
  }
  auto target = target_in(mailbox, std::move(directory.value().directory), flags);
  if (!target) return target.error();
  auto delivered = put(staged, mailbox, with_line_ends(personal), target.value(), access);
  if (delivered && quota && quota.value().limits.any()) {
    auto size = delivered.value().size;
    delivered.value().quota = quota.value();
    delivered.value().quota->add(size);
    quotas_.add(mailbox, size);
  }
  return delivered;
}

// Returns whether the failure `code` of a link means that hard links cannot reach the mailbox:
// another filesystem, one without links, too many links, or Linux' fs.protected_hardlinks.
// GlusterFS says ENOSPC if the bricks have no room for one more link of this file.
bool MailboxWriter::needs_copy(int code, std::uint64_t size) const {
  if (code == ENOSPC && shared_) {
    auto space = files_.space(root_);
    return space && space.value().free_octets > size &&
           (space.value().total_inodes == 0 || space.value().free_inodes > 0);
  }
  return code == EXDEV || code == EMLINK || code == EPERM || code == EOPNOTSUPP || code == ENOSYS;
}

// Whether the mailbox must be created by the site's own program.
bool MailboxWriter::is_missing(const Mailbox& mailbox) {
  if (!options_.create || !mailbox.create) return false;
  const auto* sign = options_.directories_exist && mailbox.base.empty() ? "new" : "";
  auto found = open_in(files_, root_, inbox_of(mailbox), sign);
  return !found && found.error().code == ENOENT;
}

Status MailboxWriter::create(const Mailbox& mailbox) {
  if (!is_missing(mailbox)) return {};
  // If the first two messages arrive at once, both run the program, and one may fail because the
  // mailbox then exists.
  if (auto created = options_.create(mailbox); !created && is_missing(mailbox)) return created;
  auto inbox = inbox_of(mailbox);
  if (auto found = open_in(files_, root_, inbox, ""); !found) return found.error();
  // Completes and syncs it like our own, because the program probably has not.
  return make_maildir(files_, root_, inbox);
}

std::string MailboxWriter::with_line_ends(std::string_view personal) const {
  std::string lines;
  if (options_.crlf) {
    lines = personal;
  } else {
    CrlfToLf().convert(personal, lines);
  }
  return lines;
}

Result<Delivered> MailboxWriter::put(const Staged& staged, const Mailbox& mailbox,
                                     std::string_view personal, Target& target,
                                     const Access& access) {
  if (staged.folder == nullptr || !personal.empty() || access.file != kFileMode) {
    return copy(staged, mailbox, personal, target, access);
  }
  auto name = link_unique(*staged.folder, staged.name, target,
                          with_size(staged.target(), staged.size), staged.size);
  if (!name && needs_copy(name.error().code, staged.size)) {
    return copy(staged, mailbox, personal, target, access);
  }
  if (!name) return name.error();
  if (auto done = publish(staged, target, name.value()); !done) return done.error();
  return Delivered{name.value(), staged.size, false, false};
}

Result<Delivered> MailboxWriter::copy(const Staged& staged, const Mailbox& mailbox,
                                      std::string_view personal, Target& target,
                                      const Access& access) {
  if (shared_ && staged.folder != nullptr) {
    auto copied = copy_by(sys::duplicate(*staged.folder), staged, personal, target, access);
    // EXDEV: the mailbox is on another filesystem.
    if (copied || copied.error().code != EXDEV) return copied;
  }
  auto tmp = open_in(files_, root_, mailbox, "tmp");
  if (!tmp) return tmp.error();
  if (!mailbox.base.empty()) target.shared = files_.is_shared(tmp.value());
  return copy_by(std::move(tmp).value(), staged, personal, target, access);
}

// Writes the copy into the directory `tmp`, and moves it to the target.
Result<Delivered> MailboxWriter::copy_by(sys::Fd tmp, const Staged& staged,
                                         std::string_view personal, const Target& target,
                                         const Access& access) {
  sys::Fd opened;
  auto source = staged.open(files_, opened);
  if (!source) return source.error();
  auto name = names_.next();
  auto file = create_file(files_, tmp, name, access);
  if (!file) return file.error();
  Temporary temporary{files_, std::move(tmp), name};

  auto size = copy_octets(files_, *source.value(), file.value(), personal);
  if (!size) return size.error();
  if (auto done = files_.sync_data(file.value()); !done) return done.error();
  if (auto done = files_.close(std::move(file).value()); !done) return done.error();
  // Uses the staged file's name, by which a retry finds it.
  auto linked = link_unique(temporary.directory, name, target,
                            with_size(staged.target(), size.value()), size.value(), From::kMayMove);
  if (!linked) return linked.error();
  if (auto done = publish(staged, target, linked.value()); !done) return done.error();
  return Delivered{linked.value(), size.value(), true, false};
}

// Links at/from to the target under `name`, or under a new name if that is taken. Returns the name
// used.
Result<std::string> MailboxWriter::link_unique(const sys::Fd& at, const std::string& from,
                                               const Target& target, std::string name,
                                               std::uint64_t size, From first) {
  for (int tries = 1;; ++tries) {
    auto linked = give_name(at, from, target, name + target.info, first);
    if (linked) return name + target.info;
    if (linked.error().code != EEXIST || tries == kNameTries) return linked.error();
    name = with_size(names_.next(), size);
  }
}

// Fails with EEXIST if the name is taken.
Status MailboxWriter::give_name(const sys::Fd& at, const std::string& from, const Target& target,
                                const std::string& name, From first) {
  bool moves = target.shared && first == From::kMayMove;
  auto given = moves ? move_name(files_, at, from, target.directory, name)
                     : add_name(files_, at, from, target.directory, name, target.shared);
  if (!given && target.shared && given.error().code != EEXIST) {
    auto there = files_.info_at(target.directory, name);
    if (there || there.error().code != ENOENT) left_name_ = true;
  }
  return given;
}

// Makes `name` in new/ durable, or removes it: after a 4xx the client sends the message again and
// must not find it there.
Status MailboxWriter::publish(const Staged& staged, const Target& target, const std::string& name) {
  auto synced = sync_name(files_, target.directory, name, target.shared);
  if (!synced) static_cast<void>(take_back(staged, target.directory, name).ok());
  return synced;
}

}  // namespace handoff::spool
