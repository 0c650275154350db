// The checks of `handoffctl doctor` and `handoffd --check`. Each check reports what it finds; all
// of them block on the disk, and those that look up users block on NSS.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/endpoint.hh"
#include "conf/config.hh"
#include "ctl/report.hh"
#include "recipients/modules.hh"
#include "recipients/table.hh"
#include "sys/account.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/filesystem.hh"

namespace handoff::ctl {

// --- Sockets and users, checked by whoever starts handoffd (socket_check.cc, start_check.cc).

// Connects and expects a greeting within a few seconds. For a unix socket, also compares mode,
// owner and group with the configuration.
void check_socket(sys::Files& files, const conf::Config& config, const Endpoint& endpoint,
                  Report& report);

// Binds every address in listen and http.listen, and reports the ones that cannot be bound. An
// address that the running server of this configuration uses is accepted.
void check_binding(sys::Files& files, const conf::Config& config, Report& report);

// Checks whether clients can reach the unix sockets through the folders above them, and whether
// hostname is fully qualified. Requires the rights of the user that starts handoffd, because `user`
// may be unable to read these folders.
void check_reach(sys::Files& files, const conf::Config& config, Report& report);

// Adds a note if lookups may name other owners of mailboxes but the server could not deliver as
// these users. `is_root`: the server runs as root.
void check_owners(const conf::Config& config, bool is_root, Report& report);

// Becomes config.user, irrevocably, so that the spool is checked with its rights alone. Returns
// false if that fails. `user` stays empty if config.user is not set.
bool become_user(const conf::Config& config, std::optional<sys::Account>& user, Report& report);

// Asks the running server, if there is one and it answers this user, for its own findings, the same
// as those of /healthz. Returns whether it answered.
bool check_server(const conf::Config& config, Report& report);

// Asks each lookup for an address that nobody has, and waits at most a few seconds.
class LookupCheck {
 public:
  // Reads the tables and opens the modules with the current rights of the process. `config`
  // outlives the object.
  explicit LookupCheck(const conf::Config& config);
  // `severe`: a lookup that fails is a problem; otherwise a warning.
  void run(sys::Files& files, Report& report, bool severe = true);

 private:
  const conf::Config& config_;
  std::optional<Error> error_;
  recipients::Tables tables_;
  recipients::Modules modules_;
};

// --- The spool, checked with the rights of `user` (spool_check.cc, mailbox_check.cc).

// Checks owner, mode and free space, and that the spool is on a single filesystem; then does what a
// delivery does: writes, syncs, renames and links a file, and syncs the directory. Creates
// SPOOL/.handoff/staging if it does not exist, and removes every file that it wrote.
void check_spool(sys::Files& files, const conf::Config& config,
                 const std::optional<sys::Account>& user, Report& report);

// If the running server answers: checks whether it has found another directory at spool.path.
void check_spool_changes(const conf::Config& config, Report& report);

// Reports what acknowledged mail survives on the filesystem of `root`, the spool's folder, and, if
// other hosts can use that filesystem, which host has the spool (filesystem_check.cc).
void check_filesystem(sys::Files& files, const conf::Config& config, const sys::Fd& root,
                      Report& report);

// After a successful trial (worker/trial) of the spool: that only its owner can write to it, that
// it has free space and is on a single filesystem.
void check_tried_spool(sys::Files& files, const conf::Config& config, Report& report);

// Compiles the Sieve scripts of the site, and those of recipients whose mailboxes are in the spool,
// as far as this user may read them (script_check.cc). A recipient's script with an error is a
// warning. Does nothing if sieve.enabled = no.
void check_scripts(sys::Files& files, const conf::Config& config, Report& report);

// Checks whether mail can be delivered to the mailboxes below `root`, the spool's folder: each must
// be a directory to which `user` can write, on the device `device` (a message is staged once and
// linked into mailboxes, which works only within one filesystem). Looks at a limited number of
// folders. A mailbox that cannot be delivered to is a problem if `strict`, else a warning, because
// a server with one such mailbox should still start.
void check_mailboxes(sys::Files& files, const conf::Config& config, const sys::Fd& root,
                     std::uint64_t device, bool strict, Report& report);

// Returns the error that a delivery by this process to the mailbox at `path` below `base` would
// meet, if any. The mailbox may not exist yet.
Status check_mailbox(sys::Files& files, const sys::Fd& base, const std::string& path);

// Returns why a device that syncs 4 KiB in the time `sync` cannot be trusted; empty if it can.
std::string sync_doubt(const sys::Device& device, std::chrono::nanoseconds sync);

}  // namespace handoff::ctl
