// The worker's connection to its delivery process, which handles the mailboxes of other users.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "delivery/request.hh"
#include "spool/destination.hh"
#include "spool/staged.hh"
#include "sys/fd.hh"

namespace handoff::delivery {

class Client {
 public:
  // `config` must outlive the object. `socket`: the worker's end of the pair that the master made.
  Client(const conf::Config& config, sys::Fd socket)
      : config_(config), socket_(std::move(socket)) {}

  // Each function sends a request and waits for the answer, at most a little longer than
  // delivery.timeout. Errors are those of the delivery; EPERM if the process refuses, EPIPE if it
  // has ended.

  // Sets folder and create_folder as recipients::choose_folder() does.
  Status choose_folder(Mailbox& mailbox, const std::string& detail);
  // Like delivery::inspect().
  Result<Inspection> inspect(const Mailbox& mailbox, std::uint64_t size);
  // Like MailboxWriter::find_earlier() and deliver(), but always by copying. Requires staged.file.
  // After an error, `is_uncertain` says whether the message may nevertheless be in the mailbox.
  Result<std::optional<spool::EarlierCopy>> find_earlier(const spool::Staged& staged,
                                                         const Mailbox& mailbox,
                                                         const std::vector<std::string>& names);
  Result<spool::Delivered> deliver(const spool::Staged& staged, const Mailbox& mailbox,
                                   std::string_view personal, const spool::Flags& flags,
                                   bool& is_uncertain);
  // Removes a copy that deliver() made.
  Status remove(const spool::Staged& staged, const Mailbox& mailbox, const std::string& file);
  // These do what Files::open_followed(), recipients::find_folder() and Files::write_note() do.
  Result<sys::Fd> open_script(const Mailbox& mailbox, const std::string& path);
  Result<bool> find_folder(Mailbox& mailbox, const std::string& name, bool create);
  Status write_note(const Mailbox& mailbox, const std::string& path, const std::string& text);
  // No further request is possible.
  bool is_broken() const { return !socket_; }

 private:
  Outcome ask(const Request& request, const sys::Fd* staged);

  const conf::Config& config_;
  sys::Fd socket_;
};

}  // namespace handoff::delivery
