// Writes a complete message into a mailbox: quota, creation, line ends, link or copy, sync, count.
// A worker uses one writer for the mailboxes of its own user. A delivery process, once it has
// become the owner of a mailbox, uses one for that mailbox. Errors contain the whole path.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/access.hh"
#include "spool/destination.hh"
#include "spool/earlier_copy.hh"
#include "spool/flags.hh"
#include "spool/name.hh"
#include "spool/quotas.hh"
#include "spool/staged.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct WriterOptions {
  bool crlf = false;       // store lines with CRLF instead of LF
  QuotaLimits quota = {};  // for mailboxes without limits of their own
  // How long a delivery waits while a mailbox is counted (quotas.hh).
  std::chrono::milliseconds quota_patience = std::chrono::seconds(1);
  // Creates a missing mailbox, if it may be created; nothing: the writer creates it.
  std::function<Status(const Mailbox&)> create = {};
  // The directory of a mailbox in the spool exists, but is empty, before `create` is called
  // (delivery/place.hh): the mailbox counts as missing until its new/ exists.
  bool directories_exist = false;
  // Whether other hosts may use the spool's filesystem; nothing: the writer finds it out.
  std::optional<bool> shared = {};
};

class MailboxWriter {
 public:
  // `files`, `root` (the spool) and `names` outlive the object.
  MailboxWriter(sys::Files& files, const sys::Fd& root, NameMaker& names, WriterOptions options)
      : files_(files),
        root_(root),
        names_(names),
        options_(std::move(options)),
        shared_(options_.shared ? *options_.shared : files.is_shared(root)),
        quotas_(files, root, options_.quota, options_.quota_patience) {}

  Quotas& quotas() { return quotas_; }

  // Returns the copy that an earlier attempt, under one of `names`, put into the mailbox, made
  // durable. May block.
  Result<std::optional<EarlierCopy>> find_earlier(const Staged& staged, const Mailbox& mailbox,
                                                  const std::vector<std::string>& names);
  // Puts the message into the mailbox: after success it is durable there, after an error nothing of
  // it is visible. `personal`: header fields for this recipient only, ending in CRLF, which are
  // inserted after the first line of a copy. Hard-links the staged file if there are no such fields
  // and links reach the mailbox; otherwise copies it through the mailbox's tmp/. With `flags` the
  // message gets its name in cur/ instead of new/. May block.
  Result<Delivered> deliver(const Staged& staged, const Mailbox& mailbox, std::string_view personal,
                            const Flags& flags = {});

  // The first half of deliver(), for many mailboxes that share one sync: a hard link that is not
  // yet durable. Returns nothing if deliver() must do the work, because it needs a copy, a count, a
  // program, or directories that must be created or synced: these may be on a slow disk, and the
  // other mailboxes do not wait for it. `pending`: what the message has added to this mailbox (in
  // other folders) and count() has not. May block.
  Result<std::optional<Delivered>> link(const Staged& staged, const Mailbox& mailbox,
                                        const QuotaUse& pending, const Flags& flags = {});
  // The second half: count() after the sync succeeded, unlink() otherwise.
  void count(const Mailbox& mailbox, const Delivered& delivered);
  void unlink(const Staged& staged, const Mailbox& mailbox, const std::string& file);
  // Takes back what deliver() has done. The removal is synced if possible, because the client will
  // send the message again.
  void remove(const Staged& staged, const Mailbox& mailbox, const std::string& file);
  // Returns whether, since the last call, a delivery failed whose name may remain in a mailbox
  // nevertheless: it could not be removed, or the filesystem was lost while it was made.
  bool take_left_name() { return std::exchange(left_name_, false); }

 private:
  // The directory that gets the message: new/, or cur/ if it has flags.
  struct Target {
    sys::Fd directory;
    std::string info;  // ":2,S", at the end of its name in cur/
    // Whether other hosts may use its filesystem, which need not be the spool's.
    bool shared;
  };
  Result<Delivered> write(const Staged& staged, const Mailbox& mailbox, std::string_view personal,
                          const Flags& flags);
  Result<Delivered> put(const Staged& staged, const Mailbox& mailbox, std::string_view personal,
                        Target& target, const Access& access);
  Result<Delivered> copy_by(sys::Fd tmp, const Staged& staged, std::string_view personal,
                            const Target& target, const Access& access);
  Result<Delivered> copy(const Staged& staged, const Mailbox& mailbox, std::string_view personal,
                         Target& target, const Access& access);
  // Whether the file keeps its first name.
  enum class From { kStays, kMayMove };
  Result<std::string> link_unique(const sys::Fd& at, const std::string& from, const Target& target,
                                  std::string name, std::uint64_t size, From first = From::kStays);
  Status give_name(const sys::Fd& at, const std::string& from, const Target& target,
                   const std::string& name, From first);
  bool needs_copy(int code, std::uint64_t size) const;
  // `new_directory`: new/ of the mailbox.
  Result<Target> target_in(const Mailbox& mailbox, sys::Fd new_directory, const Flags& flags);
  Status publish(const Staged& staged, const Target& target, const std::string& name);
  Status take_back(const Staged& staged, const sys::Fd& directory, const std::string& file);
  bool is_missing(const Mailbox& mailbox);
  Status create(const Mailbox& mailbox);
  std::string with_line_ends(std::string_view personal) const;

  sys::Files& files_;
  const sys::Fd& root_;
  NameMaker& names_;
  WriterOptions options_;
  bool shared_;  // other hosts may use the spool's filesystem (shared.hh)
  bool left_name_ = false;
  Quotas quotas_;
};

}  // namespace handoff::spool
