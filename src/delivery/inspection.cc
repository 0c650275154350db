#include "delivery/inspection.hh"

#include <cerrno>
#include <utility>

#include "spool/maildir.hh"
#include "sys/filesystem.hh"

namespace handoff::delivery {

Inspection inspect(sys::Files& files, const sys::Fd& spool, spool::Quotas& quotas,
                   const Mailbox& mailbox, std::uint64_t size) {
  Inspection found;
  if (auto state = quotas.state(mailbox, size)) found.quota = state.value();
  auto fail = [&](Error error) {
    found.error = spool::with_whole_path(mailbox, std::move(error));
    return found;
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
  found.exists = directory.ok();
  const auto& here = directory ? directory.value() : base;
  auto space = files.space(here);
  if (!space) return fail(space.error());
  found.filesystem = sys::device_of(here).filesystem;
  found.free_octets = space.value().free_octets;
  for (const char* name : {"tmp", "new"}) {
    if (!found.exists) break;
    auto folder = files.open_directory(directory.value(), name);
    if (!folder && folder.error().code == ENOENT) continue;  // it would be created
    auto writable = folder ? sys::may_write(folder.value()) : Status(folder.error());
    if (writable) continue;
    const auto& error = writable.error();
    return fail({error.code, error.what, mailbox.path + "/" + name, error.reason});
  }
  return found;
}

}  // namespace handoff::delivery
