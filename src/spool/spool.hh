// The spool as the worker sees it: begin a message, commit it mailbox by mailbox.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/commit.hh"
#include "spool/guard.hh"
#include "spool/links.hh"
#include "spool/name.hh"
#include "spool/quota_book.hh"
#include "spool/room.hh"
#include "spool/staging.hh"
#include "spool/sweep.hh"
#include "sys/clock.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct SpoolOptions {
  std::string path;
  std::string host;   // for names
  bool crlf = false;  // lines are stored with CRLF, not LF
  bool guard = true;  // retries of messages whose replies were not read are recognised
  std::chrono::seconds window = std::chrono::days(5);  // for how long
  // Each directory is synced, also where the filesystem is known to take less (sys/file_sync.hh).
  bool plain_sync = false;
  QuotaLimits quota = {};  // of mailboxes that have none of their own
  // How long a delivery waits for a mailbox to be counted (quota_book.hh).
  std::chrono::milliseconds quota_patience = std::chrono::seconds(1);
  // Makes the directory of a mailbox that is not there and is to be made; nothing: we do.
  std::function<Status(const Mailbox&)> create = {};
  Reserve reserve = {};  // what messages leave free
  // With so many other messages under way a process stages in a folder of its own
  // (crowd_folder.hh). Below that it gains little, and staging/NAME is easier to look through.
  std::uint64_t crowd = 4;
};

class Spool {
 public:
  // Opens the spool and makes SPOOL/.handoff/{staging,unread} (mode 0700) where they are missing.
  // `files` must outlive the object.
  static Result<Spool> open(sys::Files& files, SpoolOptions options);
  Spool(Spool&&) = default;

  const sys::Fd& root() const { return directories_->root; }
  // Whether a message of so many octets (0: nobody knows) finds room beside those that are being
  // received by any process on this spool. With yes the room is kept for it until release(), or the
  // next call, or the end of the process. Copies that a mailbox on another filesystem, or a line of
  // its own, asks for are not counted in.
  Result<bool> reserve(std::uint64_t octets);
  // So many of them are still to be written.
  void reserve_rest(std::uint64_t octets) { guard_->ledger().reserve(octets); }
  void release() { guard_->ledger().release(); }
  // A new message. `binary`: BODY=BINARYMIME, stored to the octet (RFC 3030 3).
  Result<Staging> begin(bool binary);
  // `staging`, whose content has ended, is made durable: "complete" of README. `places` are those
  // of the mailboxes it goes to; until confirmed() or vanished() the message may come again.
  Status complete(Staging& staging, const std::vector<std::string>& places);
  // Of that message: see half_closed() of guard.hh.
  void half_closed() { guard_->half_closed(); }
  // Whether one sync makes the message durable in many mailboxes. Then link() is to be asked for
  // each before commit() is for any: the message is in the mailbox, and sync_links() makes that
  // durable for all of them at once; or nothing, and commit() has to do it after sync_links().
  // `personal` is that of commit(). May block.
  bool syncs_together() const { return file_sync_ != sys::FileSync::kFile; }
  Result<std::optional<Delivered>> link(const Staging& staging, const Mailbox& mailbox,
                                        std::string_view personal);
  // Fails for all: then none of the links is there any more. May block.
  Status sync_links(Staging& staging);
  bool has_quota(const Mailbox& mailbox) const { return quotas_.limits_of(mailbox).any(); }
  // EDQUOT where the mailbox has no room for a message of `size` octets (quota_book.hh).
  Status check_quota(const Mailbox& mailbox, std::uint64_t size);
  // See commit.hh; a mailbox that has the message by an earlier try is not written to (guard.hh).
  // `personal` lines end in CRLF. EDQUOT as of check_quota().
  Result<Delivered> commit(const Staging& staging, const Mailbox& mailbox,
                           std::string_view personal);
  // For a mailbox that another process writes to, as its owner: what find_earlier() of guard.hh
  // does; and that such a process may have put the message there, or may yet, and nobody knows.
  Result<std::optional<std::string>> find_earlier(const Staging& staging, const Mailbox& mailbox,
                                                  const Guard::Look& look) {
    return guard_->find_earlier(staging, mailbox, look);
  }
  Status doubt(const Staging& staging, const Mailbox& mailbox) {
    return guard_->doubt(staging, mailbox.place());
  }
  // All replies are written; then, that the client has read them (or had nothing to rely on), or
  // that it has gone and may not have. Where that cannot be noted the file stays in staging: the
  // sweep that follows this process's end notes it.
  void replied();
  void confirmed();
  Status vanished(Staging& staging);

  Result<sys::Space> space() { return files_->space(directories_->root); }
  struct Sweeping {
    bool mailboxes = false;  // their tmp/ too: goes through all of the spool
    bool dry_run = false;    // nothing is removed
    // Told of each abandoned file: its path below the spool.
    std::function<void(const std::string& path)> found = {};
  };
  // Takes over what a crash left, and forgets what is too old to come again. Before the first
  // message, and now and then.
  Result<Swept> sweep(const Sweeping& how);
  Result<Swept> sweep() { return sweep(Sweeping()); }

 private:
  // The spool's directories; Staging and Guard point to them, so they stay where they are.
  struct Directories {
    sys::Fd root;
    sys::Fd own;  // SPOOL/.handoff
    sys::Fd staging;
    sys::Fd unread;
    sys::Fd crowd = {};  // this process's folder in staging; not open before there is need
  };
  const sys::Fd& staging_for(const std::string& name);
  Result<sys::Space> space_for(const Demand& demand);
  bool is_to_be_made(const Mailbox& mailbox);
  Status make_mailbox(const Mailbox& mailbox);
  Spool(sys::Files& files, SpoolOptions options, std::unique_ptr<Directories> directories);
  Result<std::optional<Delivered>> find_earlier(const Staging& staging, const Mailbox& mailbox);
  // What it is when uncounted_ is counted in.
  Standing with_uncounted(Standing standing, const Mailbox& mailbox) const;

  sys::Files* files_;
  SpoolOptions options_;
  std::unique_ptr<Directories> directories_;
  std::optional<Guard> guard_;  // always there once open() has returned
  sys::FileSync file_sync_;
  Links links_;
  NameMaker names_;
  QuotaBook quotas_;
  sys::Space seen_;  // the filesystem, when it was last asked
  sys::Steady::time_point seen_until_;
  // Linked, and to be counted when that is durable.
  std::vector<std::pair<Mailbox, std::uint64_t>> uncounted_;
};

}  // namespace handoff::spool
