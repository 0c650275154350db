// The spool of a process: its directories, the free space on its disk, and its messages.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/choices.hh"
#include "base/result.hh"
#include "spool/earlier_copy.hh"
#include "spool/guard.hh"
#include "spool/ledger.hh"
#include "spool/mailbox_writer.hh"
#include "spool/marks.hh"
#include "spool/message.hh"
#include "spool/name.hh"
#include "spool/outgoing_queue.hh"
#include "spool/records.hh"
#include "spool/room.hh"
#include "spool/sweep.hh"
#include "sys/clock.hh"
#include "sys/files.hh"
#include "sys/host.hh"
#include "sys/host_claim.hh"

namespace handoff::spool {

struct SpoolOptions {
  std::string path;
  std::string host;                                    // for names
  WriterOptions writer = {};                           // how to write messages into mailboxes
  bool guard = true;                                   // recognise retries (guard.hh)
  std::chrono::seconds window = std::chrono::days(5);  // for this long
  Sync sync = Sync::kAuto;
  Reserve reserve = {};  // what messages must leave free
  // If at least this many other messages are in progress, a process stages in a folder of its own
  // (staging_folder.hh). With fewer messages that gains little, and staging/NAME is easier to
  // inspect.
  std::uint64_t shared_staging = 4;
  // If several hosts can use the spool's filesystem: a directory on a filesystem of this host
  // alone. It contains the ledger and shows which server of this host has the spool.
  std::string run = {};
  // Only tests the spool and delivers nothing, so another host may have the spool.
  bool visit = false;
};

class Spool {
 public:
  // Opens the spool and creates SPOOL/.handoff/{staging,unread} (mode 0700) if they are missing.
  // The directories for what scripts do are created when they are first needed. `files` must
  // outlive the object.
  // kSpoolInUse if another host uses it.
  static Result<std::unique_ptr<Spool>> open(sys::Files& files, SpoolOptions options);
  Spool(Spool&&) = delete;
  ~Spool();

  const sys::Fd& root() const { return root_; }
  MailboxWriter& writer() { return writer_; }
  // Returns whether one sync makes a message durable in many mailboxes.
  bool syncs_together() const { return file_sync_ != sys::FileSync::kFile; }

  // Reserves space for a message of this many octets (0: unknown), in addition to messages that any
  // process on this spool is receiving; nothing if there is not enough. Copies in mailboxes do not
  // count.
  Result<std::optional<Ledger::Reservation>> reserve(std::uint64_t octets);
  // Starts a message. `binary`: BODY=BINARYMIME, stored octet by octet (RFC 3030 3). Fails if it is
  // impossible to record that an earlier message may be sent again.
  Result<Message> begin(bool binary, Ledger::Reservation room = {});

  // Returns a new id for a message that is not stored here.
  std::string new_id() { return id_of(names_.next()); }
  // Returns a file without a name on the spool's disk, for octets that need not survive this
  // process; open for writing and reading. `files.write()` appends.
  Result<sys::Fd> scratch_file();

  // Writes a file into staging, syncs it and removes it, as a message would be. It is not entered
  // in the ledger and has no message's name: if this process is killed, nothing takes the file for
  // a message that may be sent again.
  Status probe();

  // Whether spool.path still names the directory that is open, in one system call. If a disk was
  // mounted over it, or it was moved and another one is in its place, the error is kSpoolReplaced:
  // mail that is written now would be hidden. If nothing is there, the error is kSpoolMissing,
  // until the directory is back. Always ok in FreeBSD's capability mode, which does not allow the
  // check.
  Status check_place();
  // The same, and checks that SPOOL/.handoff and its directories are in their places (otherwise
  // kSpoolFolderGone).
  Status check_folders();
  // Returns the true cause of a failure: that of check_folders(), or `error` itself.
  Error cause_of(const Error& error);
  // Returns the error of the functions above, once one has failed with kSpoolReplaced or
  // kSpoolFolderGone: the process then has to end, so that another one opens the spool again. (It
  // cannot do so itself, because it is confined.)
  const std::optional<Error>& gone() const { return gone_; }

  // Returns whether the mark was set, and still counts. May block.
  Result<bool> seen(const UserMark& mark);
  // The messages to send; nothing if there never were any. For the process that sends.
  Result<OutgoingQueue*> outgoing();
  // Decides about the messages to send that dead processes left (OutgoingQueue::recover). May
  // block.
  Result<unsigned> recover_outgoing();

  Result<sys::Space> space() { return files_.space(root_); }
  struct Sweeping {
    bool mailboxes = false;  // also sweep tmp/ of all mailboxes in the spool
    bool dry_run = false;    // remove nothing
    // Called with each abandoned file: its path relative to the spool.
    std::function<void(const std::string& path)> found = {};
  };
  // Takes over the messages that a crash left, and removes records that are too old. Called before
  // the first message, and from time to time.
  Result<Swept> sweep(const Sweeping& how);
  Result<Swept> sweep() { return sweep(Sweeping()); }

 private:
  friend class Message;
  friend class Effects;
  // The directories that open() opens.
  struct Directories {
    sys::Fd root;
    sys::Fd own;  // SPOOL/.handoff
    sys::Fd staging;
    sys::Fd unread;
    std::string staging_name;
    bool shared = false;  // other hosts may use the filesystem
    bool visits = false;
    sys::Fd ledger = {};  // if not in `own`; a visitor has none
  };
  // Records that the message in this process's slot may be sent again, and leaves the ledger. If it
  // cannot be recorded, the slot shows other processes that it may be sent again, until begin()
  // succeeds.
  Status note(const std::string& name, std::uint64_t size);
  void leave_ledger();
  static Result<Directories> find_staging(sys::Files& files, const SpoolOptions& options,
                                          Directories found);
  Spool(sys::Files& files, SpoolOptions options, Directories directories);
  Status lose(Reason reason, const std::string& why);
  Result<sys::FileInfo> info_below(const sys::Fd& above, const std::string& path);
  const sys::Fd& staging_for(const std::string& name);
  Result<sys::Space> space_for(const Demand& demand);
  // Opens SPOOL/.handoff/NAME for `store`, which has one of the types below; null if it is missing
  // and must not be made.
  enum class Missing { kMake, kIgnore };
  template <class Store>
  Result<Store*> open_store(std::optional<Store>& store, const char* name, Missing missing);
  // Records what processes that have ended left in staging, and returns its paths.
  Result<std::unordered_set<std::string>> record_abandoned(const Owners& owners);
  Status expire_marks_and_records();
  Result<std::optional<EarlierCopy>> find_record(const std::vector<std::string>& names,
                                                 const std::string& key, const Staged& staged);
  Result<OutgoingQueue*> queue() { return open_store(outgoing_, kOutgoing, Missing::kMake); }
  Result<Marks*> marks() { return open_store(marks_, kMarks, Missing::kMake); }
  Result<Records*> records() { return open_store(records_, kDone, Missing::kMake); }

  static constexpr char kOutgoing[] = "outgoing";
  static constexpr char kMarks[] = "marks";
  static constexpr char kDone[] = "done";

  sys::Files& files_;
  SpoolOptions options_;
  sys::Fd root_;
  sys::Fd own_;
  sys::Fd staging_;
  sys::Fd unread_;
  std::string staging_name_;  // its path below .handoff
  bool shared_ = false;       // other hosts may use the filesystem (shared.hh)
  bool visits_ = false;       // staging_ is a directory of this object alone
  sys::Fd process_staging_;   // this process's folder in staging, opened when needed
  sys::HostClaim claim_;      // on a local filesystem
  sys::FileSync file_sync_;
  NameMaker names_;
  MailboxWriter writer_;
  std::optional<Guard> guard_;  // set by open()
  std::optional<OutgoingQueue> outgoing_;
  std::optional<Marks> marks_;
  std::optional<Records> records_;
  std::optional<sys::FileInfo> place_;  // of root_; nothing: it cannot be compared
  std::optional<Error> gone_;
  bool has_entered_ = false;  // a complete message is in progress, or is in unnoted_
  std::optional<std::pair<std::string, std::uint64_t>> unnoted_;  // name and size
  sys::Space seen_;                                               // the filesystem's last answer
  sys::Steady::time_point seen_until_;
};

}  // namespace handoff::spool
