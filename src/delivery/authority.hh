// Decides whether a worker may make a request. The worker may be controlled by an attacker, so the
// delivery process checks the request again, as root, using only its own information.
#pragma once

#include <memory>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "delivery/request.hh"
#include "recipients/chain.hh"
#include "recipients/table.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::delivery {

// EPERM if mail is not delivered as this user (below delivery.first-uid) or in this group (below
// delivery.first-gid).
Status check_owner(const MailboxOwner& owner, const conf::Config& config);

class Authority {
 public:
  // All arguments must outlive the object. `worker`: the user that workers run as.
  static Result<std::unique_ptr<Authority>> make(const conf::Config& config, sys::Files& files,
                                                 const recipients::Tables& tables, uid_t worker);

  // Returns EPERM, with the reason, unless all of these hold:
  //   - The owner is not a system user (check_owner).
  //   - base, path and folder are names without "..", and the folder is a single name.
  //   - The path of a script is that of the owner's script by the configuration, or in the
  //     directory for included scripts; a note is written only beside the former. The name of a
  //     script from a lookup that only workers ask ends in ".sieve": an attacker who controls the
  //     worker could name any file of the owner otherwise.
  //   - The lookups that this process can ask itself (passwd, file:) know the recipient, with this
  //     place and owner. If other lookups are configured, which are reached over a network and
  //     asked only by workers, the answer may have come from those.
  //   - `staged` (nothing: none was sent) is the regular file that has this name in
  //     SPOOL/.handoff/staging, and belongs to the worker's user.
  // May block on NSS, and on the spool.
  Status allows(const Request& request, const sys::Fd& spool, const sys::Fd& staged) const;

 private:
  Authority(const conf::Config& config, sys::Files& files, uid_t worker)
      : config_(config), files_(files), worker_(worker) {}

  // Returns whether the lookups of this process know the mailbox. EPERM if they do not, and no
  // other lookup could know it either.
  Result<bool> knows(const Mailbox& mailbox) const;
  Status is_script(const Request& request, bool known) const;
  Status is_staged(const Request& request, const sys::Fd& spool, const sys::Fd& staged) const;

  const conf::Config& config_;
  sys::Files& files_;
  uid_t worker_;
  sys::Fd no_spool_;  // not open: our lookups do not use it
  std::unique_ptr<recipients::Chain> own_;
  bool others_ = false;  // some lookups are asked only by workers
};

}  // namespace handoff::delivery
