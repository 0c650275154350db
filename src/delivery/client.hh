// The worker's end: mailboxes of other users than the worker, by the delivery process beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "delivery/request.hh"
#include "spool/commit.hh"
#include "spool/staged.hh"
#include "sys/fd.hh"

namespace handoff::delivery {

class Client {
 public:
  // `config` outlives the object. `socket`: the end that the master has made for this worker.
  Client(const conf::Config& config, sys::Fd socket)
      : config_(config), socket_(std::move(socket)) {}

  // Each asks, and waits: delivery.timeout at most, and a little. Errors are those of the delivery,
  // with EPERM where the process refuses and EPIPE where it is gone.

  // Sets folder and create_folder as recipients::choose_folder() would.
  Status choose_folder(Mailbox& mailbox, const std::string& detail);
  // As look_at().
  Result<Look> look(const Mailbox& mailbox, std::uint64_t size);
  // As spool::find_earlier_copy() for messages of these names.
  Result<std::optional<spool::EarlierCopy>> find_earlier(const spool::Staged& staged,
                                                         const Mailbox& mailbox,
                                                         const std::vector<std::string>& names);
  // As Spool::commit(), by a copy. `personal` ends in CRLF. With an error `doubtful` says whether
  // the message may be in the mailbox all the same.
  Result<spool::Delivered> deliver(const spool::Staged& staged, const Mailbox& mailbox,
                                   std::string_view personal, bool& doubtful);
  // Nothing can be asked any more: the worker should let another take its place.
  bool is_broken() const { return !socket_; }

 private:
  Outcome ask(const Request& request, const sys::Fd* staged);

  const conf::Config& config_;
  sys::Fd socket_;
};

}  // namespace handoff::delivery
