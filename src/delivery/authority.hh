// Whether what a worker asks for is anything that it may ask for: judged anew, as root, by what the
// delivery process knows itself. The worker that asks may be in somebody else's hands.
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

// EPERM where mail is not delivered as this user: root, or below delivery.first-uid.
Status check_owner(const MailboxOwner& owner, const conf::Config& config);

class Authority {
 public:
  // All of it outlives the object. `worker`: the user that workers run as.
  static Result<std::unique_ptr<Authority>> make(const conf::Config& config, sys::Files& files,
                                                 const recipients::Tables& tables, uid_t worker);

  // EPERM, with what is wrong, unless
  //   - the owner is none of the system's (check_owner);
  //   - base, path and folder are names without "..", and the folder is one;
  //   - the lookups that this process can ask itself (passwd, file:) know the recipient, there and
  //     with that owner. Where others are configured, which only a worker asks because they are
  //     reached over a network, those may have said so;
  //   - `staged` (nothing: none came) is the very file that SPOOL/.handoff/staging has under the
  //     name, of the worker's and no other kind.
  // May block on NSS, and on the spool.
  Status allows(const Request& request, const sys::Fd& spool, const sys::Fd& staged) const;

 private:
  Authority(const conf::Config& config, sys::Files& files, uid_t worker)
      : config_(config), files_(files), worker_(worker) {}

  Status knows(const Mailbox& mailbox) const;
  Status is_staged(const Request& request, const sys::Fd& spool, const sys::Fd& staged) const;

  const conf::Config& config_;
  sys::Files& files_;
  uid_t worker_;
  sys::Fd no_spool_;  // what no lookup of ours looks at
  std::unique_ptr<recipients::Chain> own_;
  bool others_ = false;  // there are lookups that only workers ask
};

}  // namespace handoff::delivery
