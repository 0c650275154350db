// What scripts do with one message besides copies: messages to send, marks, and the record of each
// recipient whose plan was carried out. Owned by the Message, which decides when they are valid.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hh"
#include "spool/durable.hh"
#include "spool/marks.hh"
#include "spool/outgoing.hh"
#include "spool/staged.hh"

namespace handoff::spool {

class Spool;

class Effects {
 public:
  explicit Effects(Spool& spool) : spool_(spool) {}
  Effects(Effects&&) = delete;
  // Removes the records, unless keep_records() was called.
  ~Effects();

  // `shared`: the staged file will be synced with its names before commit(); otherwise each
  // addition is durable on return. May block.
  Status queue(const Staged& staged, const std::string& key, const Outgoing& outgoing, bool shared);
  Status mark(const UserMark& mark, bool shared);
  Status record(const Staged& staged, const std::string& key, bool shared);
  // Sets a mark after the record. A failure only means that the mark is missing.
  void mark_recorded(const UserMark& mark, bool shared);

  // Returns how many effects have been added since commit().
  std::size_t pending() const { return pending_.size(); }
  // Removes all but the first `left` of the effects that have been added since commit().
  void drop(std::size_t left);
  // Call when the additions are durable. Allows the messages to be sent. After an error, some may
  // be sent only after this process has ended (Spool::recover_outgoing), and until then the records
  // have to stay: keep_records().
  Status commit();
  // Returns how many messages may be sent.
  std::size_t queued() const { return queued_; }
  // Keeps the records of all plans that were committed: call this if the client will send the
  // message again, because the records must then be found, or after an error of commit().
  void keep_records() { records_.clear(); }

 private:
  // `staging` is the folder of the staged file.
  struct Queued {
    std::string name;
    const sys::Fd* staging;
  };
  struct Record {
    std::string name;
    const sys::Fd* staging;
  };
  // A mark that commit() sets.
  struct Late {
    UserMark mark;
  };
  Durable durable(bool shared) const;
  void undo(const Queued& queued);
  void undo(const UserMark& mark);
  void undo(const Record& record);
  void undo(const Late&) {}

  Spool& spool_;
  std::vector<std::variant<Queued, UserMark, Record, Late>> pending_;
  std::vector<std::string> records_;  // committed
  unsigned count_ = 0;                // messages that were ever added
  std::size_t queued_ = 0;
};

}  // namespace handoff::spool
