#include <algorithm>
#include <cerrno>

#include "ctl/checks.hh"

namespace handoff::ctl {
namespace {

constexpr int kMaxDepth = 8;
constexpr unsigned kMaxFolders = 5000;
constexpr unsigned kMaxFaults = 5;  // reported

// Walks the folders of the spool, including the mailboxes.
class Walk {
 public:
  Walk(sys::Files& files, const conf::Config& config, std::uint64_t device, bool strict,
       Report& report)
      : files_(files), config_(config), device_(device), strict_(strict), report_(report) {
    mailbox_depth_ = 1 + static_cast<int>(std::ranges::count(config.spool.layout, '/'));
  }

  // `path`: relative to the spool's folder, empty or with a slash at its end. `depth`: the depth of
  // its entries.
  void look(const sys::Fd& directory, const std::string& path, int depth) {
    auto names = files_.list(directory);
    if (!names) return fault(path, names.error());
    for (const auto& name : names.value()) {
      auto info = files_.info_at(directory, name);
      if (!info || (depth == 1 && name == "lost+found")) continue;
      if (!info.value().is_directory) {
        if (depth <= mailbox_depth_ && !hidden(path, name)) {
          not_a_folder(path + name, info.value(), depth);
        }
        continue;
      }
      if (info.value().device != device_ && elsewhere_.empty()) elsewhere_ = path + name;
      // These three directories contain nothing but messages.
      if (name == "cur" || name == "new" || name == "tmp") continue;
      if (depth > kMaxDepth || ++folders_ > kMaxFolders) continue;
      auto below = files_.open_directory(directory, name);
      if (depth == mailbox_depth_ && !hidden(path, name)) {
        ++mailboxes_;
        check(directory, path + name, name, info.value());
      } else if (!below) {
        fault(path + name, below.error());
      }
      if (below) look(below.value(), path + name + "/", depth + 1);
    }
  }

  void finish() {
    auto spool = "spool " + config_.spool.path + ": ";
    if (faults_ > kMaxFaults) {
      print(spool + std::to_string(faults_ - kMaxFaults) + " more folders like these",
            "correct them in the same way");
    }
    if (!elsewhere_.empty()) {
      report_.problem(
          spool + elsewhere_ + " is on another filesystem",
          "mount one filesystem at spool.path, and keep everything below it on that filesystem");
    } else if (faults_ == 0) {
      report_.ok(spool + "a single filesystem, " + std::to_string(mailboxes_) +
                 " mailboxes checked" + (folders_ > kMaxFolders ? ", not all of them" : ""));
    }
  }

 private:
  // SPOOL/.handoff, or another entry that is not a mailbox.
  static bool hidden(const std::string& path, const std::string& name) {
    return path.starts_with('.') || name.starts_with('.');
  }

  void check(const sys::Fd& parent, const std::string& path, const std::string& name,
             const sys::FileInfo& info) {
    // With the rights of `user`, mailboxes of other users cannot be checked; root never owns a
    // mailbox.
    if (config_.may_have_owners() && info.owner != 0) return;
    auto status = check_mailbox(files_, parent, name);
    if (!status) fault(path, status.error(), info.owner);
  }

  void not_a_folder(const std::string& path, const sys::FileInfo& info, int depth) {
    if (!info.is_regular) {
      fault(path, {ELOOP, "open", path});
    } else if (depth == mailbox_depth_) {
      fault(path, {ENOTDIR, "open", path});
    }
  }

  void print(const std::string& what, const std::string& fix) {
    strict_ ? report_.problem(what, fix) : report_.warning(what, fix);
  }

  void fault(const std::string& path, const Error& error, std::optional<uid_t> owner = {}) {
    if (++faults_ > kMaxFaults) return;
    auto whole = config_.spool.path + "/" + path;
    auto what = "mailbox " + whole + ": ";
    if (error.code == ELOOP) {
      print(what + "is a symbolic link or a special file, which handoff does not open",
            "move the directory here, or mount it here (mount --bind); hard links do not cross a "
            "mount, so messages are copied there");
    } else if (error.code == ENOTDIR) {
      print(what + "is a file, not a directory", "move it away");
    } else {
      auto user = config_.user.empty() ? std::string("USER") : config_.user;
      print(what + (owner ? "belongs to uid " + std::to_string(*owner) + ", " : "") +
                error.describe(),
            error.code == EACCES ? "chown -R " + user + " " + whole : "check the filesystem");
    }
  }

  sys::Files& files_;
  const conf::Config& config_;
  std::uint64_t device_;
  bool strict_;
  Report& report_;
  int mailbox_depth_;
  std::string elsewhere_;
  unsigned folders_ = 0;
  unsigned mailboxes_ = 0;
  unsigned faults_ = 0;
};

}  // namespace

Status check_mailbox(sys::Files& files, const sys::Fd& base, const std::string& path) {
  auto mailbox = files.open_directory(base, path);
  if (!mailbox && mailbox.error().code == ENOENT) {  // it would be created
    auto slash = path.rfind('/');
    return slash == path.npos ? sys::may_write(base)
                              : check_mailbox(files, base, path.substr(0, slash));
  }
  if (!mailbox) return mailbox.error();
  if (auto writable = sys::may_write(mailbox.value()); !writable) {
    return Error{writable.error().code, writable.error().what, path};
  }
  for (const char* name : {"tmp", "new"}) {
    auto folder = files.open_directory(mailbox.value(), name);
    if (!folder && folder.error().code == ENOENT) continue;  // likewise
    auto writable = folder ? sys::may_write(folder.value()) : Status(folder.error());
    if (!writable) return Error{writable.error().code, writable.error().what, path + "/" + name};
  }
  return {};
}

void check_mailboxes(sys::Files& files, const conf::Config& config, const sys::Fd& root,
                     std::uint64_t device, bool strict, Report& report) {
  Walk walk(files, config, device, strict, report);
  walk.look(root, "", 1);
  walk.finish();
}

}  // namespace handoff::ctl
