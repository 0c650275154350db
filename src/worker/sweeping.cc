#include "worker/sweeping.hh"

#include "spool/spool.hh"
#include "sys/files.hh"
#include "sys/sandbox.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::worker {

Result<unsigned> sweep_spool(const conf::Config& config, const sys::Log& log) {
  if (auto dropped = drop_privileges(config); !dropped) return dropped.error();
  sys::Files files;
  auto spool = spool::Spool::open(files, spool_options(config, log));
  if (!spool) return spool.error();
  sys::Needs needs;
  needs.folders = {config.spool.path};
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  if (auto done = sys::confine("sweep", needs, {}, log); !done) return done.error();
  spool::Spool::Sweeping how;
  how.mailboxes = true;
  how.found = [&](const std::string& path) { log.info("abandoned", {{"file", path}}); };
  auto swept = spool.value()->sweep(how);
  if (!swept) return swept.error();
  if (swept.value().removed > 0) {
    log.info("swept", {{"removed", swept.value().removed},
                       {"kept", swept.value().kept},
                       {"unread", swept.value().unread}});
  }
  return swept.value().removed;
}

}  // namespace handoff::worker
