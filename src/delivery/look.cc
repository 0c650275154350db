#include "delivery/look.hh"

#include <cerrno>
#include <utility>

#include "sys/device.hh"

namespace handoff::delivery {

Look look_at(sys::Files& files, const sys::Fd& spool, spool::QuotaBook& quotas,
             const Mailbox& mailbox, std::uint64_t size) {
  Look look;
  if (auto standing = quotas.standing(mailbox, size)) look.quota = standing.value();
  auto fail = [&](Error error) {
    look.error = std::move(error);
    return look;
  };
  sys::Fd home;
  if (!mailbox.base.empty()) {
    auto base = files.open_root(mailbox.base);
    if (!base) return fail(base.error());
    home = std::move(base).value();
  }
  const auto& base = home ? home : spool;
  auto directory = files.open_directory(base, mailbox.path);
  if (!directory && directory.error().code != ENOENT) return fail(directory.error());
  look.is_there = directory.ok();
  const auto& here = directory ? directory.value() : base;
  auto space = files.space(here);
  if (!space) return fail(space.error());
  look.filesystem = sys::device_of(here).filesystem;
  look.free_octets = space.value().free_octets;
  return look;
}

}  // namespace handoff::delivery
