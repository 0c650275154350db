// Where a message is put into mailboxes: by the spool, as the user that we are, or by the delivery
// process, as the user that the mailbox belongs to. One call, one result, whoever it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "delivery/client.hh"
#include "spool/spool.hh"
#include "sys/files.hh"
#include "sys/log.hh"

namespace handoff::worker {

class Mailboxes {
 public:
  // All of it outlives the object. Without `client` mailboxes of others are EPERM.
  Mailboxes(const conf::Config& config, const sys::Log& log, sys::Files& files, spool::Spool& spool,
            std::optional<delivery::Client> client)
      : config_(config), log_(log), files_(files), spool_(spool), client_(std::move(client)) {}

  // As Spool has them. What is another's is never linked.
  Result<std::optional<spool::Delivered>> link(const spool::Staging& staging,
                                               const Mailbox& mailbox, std::string_view personal);
  Status check_quota(const Mailbox& mailbox, std::uint64_t size);
  Result<spool::Delivered> commit(const spool::Staging& staging, const Mailbox& mailbox,
                                  std::string_view personal);
  // Resolver::AsOwner.
  Status choose_folder(Mailbox& mailbox, const std::string& detail);

  bool is_broken() const { return client_ && client_->is_broken(); }

 private:
  Result<spool::Delivered> commit_as_owner(const spool::Staging& staging, const Mailbox& mailbox,
                                           std::string_view personal);

  const conf::Config& config_;
  const sys::Log& log_;
  sys::Files& files_;
  spool::Spool& spool_;
  std::optional<delivery::Client> client_;
};

}  // namespace handoff::worker
