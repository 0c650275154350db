// Prevents double delivery (RFC 1047): a client that has not read its replies sends the message
// again, and the guard recognises this retry.
//
// The guard recognises a retry by these facts:
//   - The ledger: another process is committing the same content to the same mailbox, or has done
//     so and does not know whether its replies were read, or died while doing so.
//   - SPOOL/.handoff/unread/NAME,S=size, a marker: message NAME was committed, and it is unknown
//     whether its replies were read. It is created when a client vanishes and, after a crash, for
//     each file that is left in staging.
//   - The message itself, in new/ or cur/ of the mailbox, under NAME. It is compared octet by octet
//     after the trace header, so that only the same message counts as the earlier attempt.
// In most cases there is none of these, and the guard only reads memory.
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

// Creates the marker of the message `name` in `unread` (SPOOL/.handoff/unread): nobody knows
// whether its replies were read. Durable on return.
Status record_unread(sys::Files& files, const sys::Fd& unread, const std::string& name,
                     std::uint64_t size);

class Guard {
 public:
  // The known facts about the attempts to deliver one message. Owned by the Message.
  struct Tries {
    // The client sends no more. Over TCP this does not show whether it has gone. In this state,
    // equal content that arrived after this message and left the ledger before it was its retry.
    bool half_closed = false;
    // Marks to create once the replies have been read: the earlier attempts that these replies
    // answer.
    std::vector<std::string> answered;
    // When the message began to wait for other attempts; all of its mailboxes share the time.
    std::optional<sys::Steady::time_point> waiting_since;
    // Markers of attempts for which one mailbox has waited without result, so that others do not
    // wait.
    std::vector<std::string> silent;
  };

  // `staging` and `unread` are directories of the spool and must outlive the object. Takes over the
  // message that a dead process left in the ledger's slot. `on`: duplicates.guard; if false,
  // retries are delivered again and nothing is recorded. May block.
  static Result<Guard> open(sys::Files& files, const sys::Fd& staging, const sys::Fd& unread,
                            Ledger ledger, bool on);
  Guard(Guard&&) = default;

  // Call when `staging` has all of its content, before it is synced and committed to these places.
  void enter(const Staging& staging, const std::vector<std::string>& places);
  // Searches a mailbox for a copy under one of these names (NAME,S=size), as find_earlier_copy()
  // does.
  using Search =
      std::function<Result<std::optional<EarlierCopy>>(const std::vector<std::string>& names)>;
  // Returns the file that an earlier attempt at the same message put into the mailbox at `place`,
  // made durable; nothing if there is none. Waits at most 30 seconds for attempts in progress
  // (ETIMEDOUT if one is then still committing). For attempts that have sent their replies, waits
  // one second, for all of them together, to learn whether their clients have read them. May block.
  Result<std::optional<std::string>> find_earlier(Tries& tries, const Staging& staging,
                                                  const std::string& place, const Search& search);
  // All replies have been written.
  void replied() { ledger_.replied(); }
  // The message is finished: nothing was promised, or the replies were read, or note() has
  // returned.
  void leave() { ledger_.leave(); }
  // The replies have been read: the same content is then no longer a retry of this message.
  void mark_answered(const Tries& tries);
  // Records that nobody knows whether the replies to the message `name` were read, because its
  // client has vanished or its process has died. Durable on return.
  Status note(const std::string& name, std::uint64_t size);
  // A killed process may have put `staging` into the mailbox at `place`: a retry must look for it
  // there. Durable on return.
  Status note_uncertain(const Staging& staging, const std::string& place);
  // Removes records that are older than `window`.
  Status expire(std::chrono::seconds window);

  const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }

 private:
  Guard(sys::Files& files, const sys::Fd& staging, const sys::Fd& unread, Ledger ledger, bool on)
      : files_(&files), staging_(&staging), unread_(&unread), ledger_(std::move(ledger)), on_(on) {}

  // An attempt that this message waits for.
  struct Other {
    Ledger::Entry entry;
    std::optional<sys::Steady::time_point> replied = {};  // when it was first seen to have replied
  };
  enum class Try { kUnderWay, kOver, kSilent };
  Result<std::vector<Other>> earlier_tries(const Staging& staging, const std::string& place);
  Result<Try> look_at(Tries& tries, Other& other, const std::string& place);
  Result<std::vector<std::string>> await(Tries& tries, std::vector<Other>& others,
                                         const std::string& place);
  Result<std::optional<std::string>> search_for(Tries& tries, const Staging& staging,
                                                const std::string& place,
                                                std::vector<std::string> silent,
                                                const Search& search);
  std::vector<std::string> overtaking(const Tries& tries, const Staging& staging) const;
  Result<std::vector<std::string>> candidates(const Tries& tries, const Staging& staging,
                                              const std::string& place,
                                              std::vector<std::string> silent);
  Status make_marker(const std::string& marker);

  sys::Files* files_;
  const sys::Fd* staging_;
  const sys::Fd* unread_;
  Ledger ledger_;
  bool on_;
};

}  // namespace handoff::spool
