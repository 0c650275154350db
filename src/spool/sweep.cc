#include "spool/sweep.hh"

#include "spool/name.hh"
#include "sys/clock.hh"

namespace handoff::spool {
namespace {

bool is_abandoned(const std::string& name, const sys::FileInfo& info, const std::string& host,
                  const std::function<bool(pid_t)>& is_here) {
  if (!info.is_regular) return false;
  auto owner = owner_of(name);
  // A process of another host cannot be asked: there only age tells.
  bool dead = owner && owner->host == host && !is_here(owner->pid);
  return dead || sys::Wall::now() - info.modified > kAbandoned;
}

}  // namespace

Result<Swept> sweep_staging(
    sys::Files& files, const sys::Fd& staging, const std::string& host,
    const std::function<bool(pid_t)>& is_here,
    const std::function<Status(const std::string& name, std::uint64_t size)>& before) {
  auto names = files.list(staging);
  if (!names) return names.error();
  Swept swept;
  for (const auto& name : names.value()) {
    auto info = files.info_at(staging, name);
    bool removed = info && is_abandoned(name, info.value(), host, is_here) &&
                   before(name, info.value().size) && files.unlink(staging, name);
    if (removed) {
      ++swept.removed;
    } else {
      ++swept.kept;
    }
  }
  return swept;
}

}  // namespace handoff::spool
