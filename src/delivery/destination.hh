// The destination of a recipient. The class Destinations decides once whether a mailbox belongs to
// our own user or to another one, for whom the delivery process writes. No other code makes this
// distinction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/mailbox.hh"
#include "base/recipient_rules.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "delivery/client.hh"
#include "delivery/inspection.hh"
#include "spool/destination.hh"
#include "spool/order.hh"
#include "spool/quotas.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// These functions are called before the message arrives. Those of spool::Destination deliver it.
class Destination : public spool::Destination {
 public:
  const Mailbox& mailbox() const { return mailbox_; }

  // Sets the folder for `detail` like recipients::choose_folder(). Returns an error if no mail can
  // be delivered to the mailbox. May block.
  virtual Status choose_folder(const std::string& detail) = 0;
  // EDQUOT (Reason::kOverQuota, kMaybeOverQuota) if a message of `size` octets has no room. May
  // block.
  Status check_quota(std::uint64_t size);
  // Inspects the mailbox, for display. May block.
  virtual Result<Inspection> inspect(std::uint64_t size) = 0;
  // The next three functions are for the scripts of the mailbox's owner. Each may block, and may
  // hang if may_hang() returns true. Opens a script of the owner; ENOENT or ENOTDIR: there is none.
  virtual Result<sys::Fd> open_script(const std::string& path) = 0;
  // Sets the folder of `mailbox`, which is a copy of mailbox(), as recipients::find_folder() does.
  virtual Result<bool> find_folder(Mailbox& mailbox, const std::string& name, bool create) = 0;
  // Writes a note for the owner.
  virtual Status write_note(const std::string& path, const std::string& text) = 0;
  // Returns what an earlier attempt at the message has delivered to mailbox().
  virtual Result<std::optional<spool::Delivered>> find_earlier(spool::Message& message) = 0;
  // The two steps of spool::Destination, for an order.
  virtual Result<std::optional<spool::Delivered>> link_order(spool::Message&, const spool::Order&,
                                                             std::string_view /*personal*/) {
    return std::optional<spool::Delivered>();
  }
  virtual Result<spool::Delivered> deliver_order(spool::Message& message, const spool::Order& order,
                                                 std::string_view personal) = 0;
  // Returns whether these functions may hang as long as a delivery, so that the caller must limit
  // them.
  virtual bool may_hang() const = 0;

 protected:
  Destination(Mailbox mailbox, spool::Quotas& quotas)
      : mailbox_(std::move(mailbox)), quotas_(quotas) {}
  // Returns the quota, before a message of `size` octets; nothing: unknown, so any message is
  // accepted.
  virtual Result<std::optional<spool::QuotaState>> quota(std::uint64_t size) = 0;

  Mailbox mailbox_;
  spool::Quotas& quotas_;
};

class Destinations {
 public:
  // All arguments must outlive the object. `root`: the spool. Without `client`, delivery to
  // mailboxes of other users fails.
  Destinations(const conf::Config& config, const sys::Log& log, sys::Files& files,
               const sys::Fd& root, spool::Quotas& quotas, std::optional<Client> client)
      : config_(config),
        log_(log),
        files_(files),
        root_(root),
        quotas_(quotas),
        rules_(config.recipient_rules()),
        client_(std::move(client)) {}

  // The destination must not outlive this object.
  std::unique_ptr<Destination> of(Mailbox mailbox);
  // The delivery process has ended: the worker should end, so that a new one replaces both.
  bool is_broken() const { return client_ && client_->is_broken(); }

 private:
  class OwnMailbox;
  class OwnersMailbox;

  const conf::Config& config_;
  const sys::Log& log_;
  sys::Files& files_;
  const sys::Fd& root_;
  spool::Quotas& quotas_;
  RecipientRules rules_;
  std::optional<Client> client_;
};

}  // namespace handoff::delivery
