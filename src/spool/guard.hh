// Never twice (RFC 1047): a client that has not read its replies sends again, and handoff knows.
//
// The facts that a retry is recognised by:
//   - the ledger: another process is committing the same content to the same mailbox, or has and
//     does not know whether it was heard, or died at it;
//   - SPOOL/.handoff/unread/NAME,S=size: message NAME was committed, and whether its replies were
//     read is not known. Made when a client vanishes, or, after a crash, of what is left in
//     staging;
//   - the message itself, in new/ or cur/ of the mailbox, under NAME: compared octet by octet
//   behind
//     the trace header, so that only the very same message is taken for its own retry.
// Without any of these, which is nearly always, all this is a look into memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/earlier_copy.hh"
#include "spool/ledger.hh"
#include "spool/staging.hh"
#include "sys/clock.hh"
#include "sys/files.hh"

namespace handoff::spool {

class Guard {
 public:
  // `root`, `staging` and `unread` are the spool's directories and outlive the object. Takes over
  // what dead processes left. May block.
  // `on`: as duplicates.guard says; off, retries are delivered again and nothing is noted.
  static Result<Guard> open(sys::Files& files, const sys::Fd& root, const sys::Fd& staging,
                            const sys::Fd& unread, Ledger ledger, bool on);
  Guard(Guard&&) = default;

  // `staging`, all of whose content is there, is about to be synced and committed to these places.
  void enter(const Staging& staging, const std::vector<std::string>& places);

  // The client of the message that was entered sends no more; over TCP it may have gone. So equal
  // content that began to come after this message, and has left before it, was its retry.
  void half_closed() { half_closed_ = true; }

  // The file in `mailbox` that a try of the same message before this one put there, made durable;
  // nothing where there is none. Waits, for a bounded time, for a try that is still under way:
  // ETIMEDOUT where it does not end. May block.
  Result<std::optional<std::string>> find_earlier(const Staging& staging, const Mailbox& mailbox);
  // The same where another process has to look: `look` does what find_earlier_copy() does for
  // messages of these names.
  using Look =
      std::function<Result<std::optional<EarlierCopy>>(const std::vector<std::string>& names)>;
  Result<std::optional<std::string>> find_earlier(const Staging& staging, const Mailbox& mailbox,
                                                  const Look& look);

  // All replies are written.
  void replied() { ledger_.replied(); }
  // The replies are known to be read, or there was nothing positive in them: forget the message.
  void confirmed();
  // The client has vanished: the message may come again. Durable with return.
  Status vanished(const std::string& name, std::uint64_t size);

  // Whether `staging` came into the mailbox at `place`, or will, nobody knows: it is looked for
  // there when it comes again. Durable with return.
  Status doubt(const Staging& staging, const std::string& place);
  // vanished() for a name whose owner is dead: what a crash left in staging.
  Status take_over(const std::string& name, std::uint64_t size);
  const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }
  // Forgets what is older than `window`.
  Status expire(std::chrono::seconds window);

 private:
  Guard(sys::Files& files, const sys::Fd& root, const sys::Fd& staging, const sys::Fd& unread,
        Ledger ledger, bool on)
      : files_(&files),
        root_(&root),
        staging_(&staging),
        unread_(&unread),
        ledger_(std::move(ledger)),
        on_(on) {}

  Result<std::vector<std::string>> await_others(const Staging& staging, const std::string& place);
  std::vector<std::string> overtaking(const Staging& staging) const;
  Result<std::vector<std::string>> candidates(const Staging& staging, const std::string& place,
                                              std::vector<std::string> unheard);
  Status note(const std::string& marker);

  sys::Files* files_;
  const sys::Fd* root_;
  const sys::Fd* staging_;
  const sys::Fd* unread_;
  Ledger ledger_;
  bool on_;
  // Markers that the answers of this transaction have used up, once they are read.
  std::vector<std::string> spent_;
  bool half_closed_ = false;
  // Since when it waits for others: not for each of its mailboxes anew.
  std::optional<sys::Steady::time_point> waiting_since_;
  // Markers of tries that one of its mailboxes has waited for in vain: the others do not.
  std::vector<std::string> unheard_;
};

}  // namespace handoff::spool
