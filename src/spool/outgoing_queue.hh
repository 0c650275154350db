// SPOOL/.handoff/outgoing: the messages that scripts send, until sendmail(1) has taken them. Each
// has an envelope, and a redirected message that was not edited is one more name of the staged
// file. X is the name in staging, N counts the messages that X has caused:
//
//   X,N=1             the redirected message; nothing if the envelope contains the text
//   X,N=1,new         the envelope, while X is being committed
//   X,N=1,ready       the envelope, to be sent
//   X,N=1,failed      the envelope, given up
//
// README says when each of them is durable, and what a crash leaves.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "spool/durable.hh"
#include "spool/outgoing.hh"
#include "spool/staged.hh"
#include "sys/files.hh"

namespace handoff::spool {

// The messages in the queue.
struct Backlog {
  std::uint64_t waiting = 0;
  std::uint64_t failed = 0;                        // given up
  std::optional<std::chrono::sys_seconds> oldest;  // of those that wait
};

class OutgoingQueue {
 public:
  // `files` must outlive the object. `directory` is SPOOL/.handoff/outgoing; `shared`: as in
  // shared.hh.
  OutgoingQueue(sys::Files& files, sys::Fd directory, bool shared)
      : files_(&files), directory_(std::move(directory)), shared_(shared) {}
  const sys::Fd& directory() const { return directory_; }

  // Adds a message that is not to be sent yet, and returns its name. After an error nothing of it
  // remains. With Durable::kByDirectory it is durable on return; otherwise the link to the staged
  // file is durable when that file is synced with its names. May block.
  Result<std::string> add(const Staged& staged, unsigned number, const Outgoing& message,
                          Durable durable);
  // Allows the message to be sent. `sync`: this is durable on return.
  Status commit(const std::string& name, bool sync);
  // Removes a message that was not committed; not synced. `staging` is the folder of the staged
  // file (shared.hh).
  void take_back(const std::string& name, const sys::Fd& staging);

  // Returns the messages that may be sent, the oldest first.
  Result<std::vector<std::string>> ready();
  // Returns the envelope of the message. EBADMSG if the file is damaged.
  Result<Envelope> read(const std::string& name);
  // Opens the redirected message.
  Result<sys::Fd> open(const std::string& name) { return files_->open_file(directory_, name); }
  // Removes a message that was sent. Durable on return.
  Status sent(const std::string& name);
  // Gives the message up: it will not be sent, and its file stays. Durable on return.
  Status give_up(const std::string& name);
  Result<Backlog> backlog();

  // Decides about the messages that dead processes had not committed. `is_over` returns whether no
  // process is at work on the message X any more; `is_committed(X, record)` whether its plan was
  // carried out. Syncs what it commits. Returns the number of messages that it committed or
  // removed.
  Result<unsigned> recover(
      const std::function<bool(const std::string& name)>& is_over,
      const std::function<Result<bool>(const std::string& name, const std::string& record)>&
          is_committed);

 private:
  Result<Envelope> read_envelope(const std::string& file);
  Status write_envelope(const Staged& staged, const std::string& name, const Outgoing& message,
                        Durable durable);
  Status fill_envelope(sys::Fd file, const Staged& staged, const std::string& name,
                       const Outgoing& message, Durable durable);
  template <class Remove>
  void remove(const std::string& name, Remove remove);
  Result<bool> decide(
      const std::string& name,
      const std::function<Result<bool>(const std::string&, const std::string&)>& is_committed);

  sys::Files* files_;
  sys::Fd directory_;
  bool shared_;
};

}  // namespace handoff::spool
