#include "ctl/checks.hh"
#include "spool/lease.hh"
#include "sys/host.hh"

namespace handoff::ctl {

void check_filesystem(sys::Files& files, const conf::Config& config, const sys::Fd& root,
                      Report& report) {
  const auto& path = config.spool.path;
  auto device = sys::device_of(root);
  auto type = device.filesystem.empty() ? std::string("unknown filesystem") : device.filesystem;
  report.ok("spool " + path + ": " + type + ": " + sys::promise_of(device));
  if (!device.shared) return;
  auto folder = config.control_socket.substr(0, config.control_socket.rfind('/') + 1);
  if (auto run = files.open_root(folder); run && files.is_shared(run.value())) {
    report.problem(
        "control.socket: " + folder + " is on a filesystem that other hosts can use",
        "set control.socket to a path on this host: the ledger of the spool is beside it");
  }
  if (config.may_have_owners()) {
    report.note(
        "spool " + path +
            ": if another host takes the spool over while this one hangs, mailboxes of other "
            "users may get a message twice",
        "let user own all mailboxes");
  }
  auto own = files.open_directory(root, ".handoff");
  auto lease = own ? spool::Lease::open(files, own.value()) : Result<spool::Lease>(own.error());
  auto holder = lease ? lease.value().holder() : Result<spool::Lease::Holder>(lease.error());
  if (!holder || holder.value().nobody) return;
  auto host = holder.value().host();
  if (host == sys::this_host().name) {
    report.ok("spool " + path + ": this host has it");
  } else if (config.cluster.empty()) {
    report.problem("spool " + path + ": the host " + host + " uses it, or has not released it",
                   "stop handoffd there, or set cluster.name on both hosts");
  } else {
    report.ok("spool " + path + ": the host " + host + " has it, and this one waits");
  }
}

}  // namespace handoff::ctl
