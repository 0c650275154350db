#include "spool/sweep.hh"

#include <algorithm>
#include <vector>

#include "spool/name.hh"
#include "spool/staging_folder.hh"
#include "sys/clock.hh"

namespace handoff::spool {
namespace {

// Deeper than any layout; limits the search in directories that do not belong to handoff.
constexpr int kMaxDepth = 16;

class Sweep {
 public:
  Sweep(sys::Files& files, const Owners& owners, const BeforeRemoval& before)
      : files_(files), owners_(owners), before_(before) {}

  // Sweeps the files in `folder`. `path` is its path, empty or ending in a slash.
  Status folder(const sys::Fd& folder, const std::string& path, bool all_ours) {
    auto names = files_.list(folder);
    if (!names) return names.error();
    for (const auto& name : names.value()) {
      auto info = files_.info_at(folder, name);
      if (all_ours && path.empty() && is_staging_folder(name) && info &&
          info.value().is_directory) {
        auto below = files_.open_directory(folder, name);
        bool done = below && this->folder(below.value(), name + "/", true);
        if (!done) ++swept_.unread;
        continue;
      }
      bool removed = info && is_abandoned(name, info.value(), all_ours) &&
                     before_(path + name, info.value().size) && files_.unlink(folder, name);
      if (removed) {
        ++swept_.removed;
      } else {
        ++swept_.kept;
      }
    }
    return {};
  }

  Status mailboxes(const sys::Fd& directory, const std::string& path, int depth) {
    auto names = files_.list(directory);
    if (!names) return names.error();
    auto has = [&](const char* name) {
      return std::ranges::find(names.value(), name) != names.value().end();
    };
    bool maildir = has("tmp") && has("new") && has("cur");
    for (const auto& name : names.value()) {
      bool is_tmp = maildir && name == "tmp";
      // A Maildir contains its folders and nothing else of ours. SPOOL/.handoff is not a domain.
      if (maildir && !is_tmp && !name.starts_with('.')) continue;
      if (path.empty() && name == ".handoff") continue;
      auto info = files_.info_at(directory, name);
      if (!info || !info.value().is_directory || depth == kMaxDepth) continue;
      auto below = files_.open_directory(directory, name);
      auto inner = path + name + "/";
      auto done = !below   ? Status(below.error())
                  : is_tmp ? folder(below.value(), inner, false)
                           : mailboxes(below.value(), inner, depth + 1);
      if (!done) ++swept_.unread;
    }
    return {};
  }

  Status visits(const sys::Fd& own) {
    auto names = files_.list(own);
    if (!names) return names.error();
    for (const auto& name : names.value()) {
      if (!name.starts_with(kVisit) && !name.starts_with(kComingLease)) continue;
      auto info = files_.info_at(own, name);
      bool removed =
          info && is_old(info.value()) && before_(name, 0) && remove(own, name, info.value());
      ++(removed ? swept_.removed : swept_.kept);
    }
    return {};
  }

  const Swept& swept() const { return swept_; }

 private:
  static bool is_old(const sys::FileInfo& info) {
    return sys::Wall::now() - info.modified > kAbandoned;
  }
  Status remove(const sys::Fd& at, const std::string& name, const sys::FileInfo& info) {
    if (!info.is_directory) return files_.unlink(at, name);
    auto inside = files_.open_directory(at, name);
    if (!inside) return inside.error();
    auto names = files_.list(inside.value());
    if (!names) return names.error();
    for (const auto& each : names.value()) {
      if (auto done = files_.unlink(inside.value(), each); !done) return done;
    }
    return files_.remove_directory(at, name);
  }
  bool is_abandoned(const std::string& name, const sys::FileInfo& info, bool all_ours) const {
    if (!info.is_regular) return false;
    if (is_old(info)) return true;
    auto owner = owner_of(name);
    if (!owner || owners_.is_alive(*owner)) return false;
    return all_ours || (is_our_name(name) && owner->host == owners_.host);
  }

  sys::Files& files_;
  const Owners& owners_;
  const BeforeRemoval& before_;
  Swept swept_;
};

}  // namespace

void Swept::operator+=(const Swept& other) {
  removed += other.removed;
  kept += other.kept;
  unread += other.unread;
}

Result<Swept> sweep_visits(sys::Files& files, const sys::Fd& own, const BeforeRemoval& before) {
  Owners nobody;
  Sweep sweep(files, nobody, before);
  if (auto done = sweep.visits(own); !done) return done.error();
  return sweep.swept();
}

Result<Swept> sweep_staging(sys::Files& files, const sys::Fd& staging, const Owners& owners,
                            const BeforeRemoval& before) {
  Sweep sweep(files, owners, before);
  if (auto done = sweep.folder(staging, "", true); !done) return done.error();
  return sweep.swept();
}

Result<Swept> sweep_mailboxes(sys::Files& files, const sys::Fd& root, const Owners& owners,
                              const BeforeRemoval& before) {
  Sweep sweep(files, owners, before);
  if (auto done = sweep.mailboxes(root, "", 0); !done) return done.error();
  return sweep.swept();
}

}  // namespace handoff::spool
