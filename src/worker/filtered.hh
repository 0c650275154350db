// The destination of a recipient whose scripts decide what happens with the message: runs them in
// the filter process, checks the plan, and has the mailbox's destination carry it out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/envelope.hh"
#include "delivery/destination.hh"
#include "filter/client.hh"
#include "spool/destination.hh"
#include "spool/message.hh"
#include "sys/log.hh"

namespace handoff::worker {

class Services;

class Filtered final : public spool::Destination {
 public:
  // All arguments must outlive the object.
  Filtered(Services& services, delivery::Destination& inner, const Sender& sender,
           const Recipient& recipient);

  // A mailbox of another user is left to deliver(), because its scripts may take as long as the
  // delivery.
  Result<std::optional<spool::Delivered>> link(spool::Message& message,
                                               std::string_view personal) override;
  Result<spool::Delivered> deliver(spool::Message& message, std::string_view personal) override;

  // What was done, for the log. The first action is described in the line about the delivery.
  struct Done {
    std::string action;  // "keep", "fileinto", "redirect" ...
    std::string folder;  // or the address
    std::string script;
    std::size_t line = 0;
    std::string rule;

    std::string line_text() const { return line == 0 ? std::string() : std::to_string(line); }
  };
  const std::vector<Done>& done() const { return done_; }
  // Returns whether the message was discarded.
  bool discarded() const { return discarded_; }
  bool ran() const { return ran_; }
  bool failed() const { return failed_; }
  std::uint64_t steps() const { return steps_; }

 private:
  class Site;

  // Decides what happens. Returns the result if that is known already.
  Result<std::optional<spool::Delivered>> decide(spool::Message& message);
  Result<std::optional<spool::Delivered>> run_scripts(spool::Message& message);
  Status open_scripts(filter::Job& job, std::vector<sys::Fd>& files);
  filter::Job job_for(const spool::Message& message) const;
  // Logs what the scripts say and their first error, and writes the note for the owner.
  void report(const spool::Message& message, const filter::Verdict& verdict);
  void log_fault(const spool::Message& message, const sieve::Fault& fault);
  void write_note(const spool::Message& message, std::string faults);
  Status take_plan(spool::Message& message, const filter::Verdict& verdict);
  Error refuse_action(const sieve::Place& place, const std::string& what);
  Status keep_instead(spool::Message& message, const sieve::Fault& fault);
  void forget();
  void free_texts();
  Status take_copy(const sieve::Copy& copy, spool::Message& message,
                   const filter::Verdict& verdict);
  Status take_redirect(const sieve::Redirect& redirect, spool::Message& message,
                       const filter::Verdict& verdict);
  Status take_outgoing(const sieve::Outgoing& from);
  spool::UserMark user_mark(const sieve::Mark& mark) const;
  Result<Mailbox> mailbox_for(const sieve::Copy& copy);
  // The whole message with the edits of the script at `place`. `header_size`: octets of the
  // original's header.
  Result<std::shared_ptr<const std::string>> edited_text(const sieve::Edited& edited,
                                                         const sieve::Place& place,
                                                         spool::Message& message,
                                                         std::uint64_t header_size);
  const Mailbox& mailbox() const { return inner_.mailbox(); }

  Services& services_;
  delivery::Destination& inner_;
  const Sender& sender_;
  const Recipient& recipient_;
  bool decided_ = false;
  spool::Order order_;
  std::vector<sieve::Edited> edits_;  // of order_.copies
  std::string whole_;                 // the message, if a script has edited it
  std::vector<std::pair<sieve::Edited, std::shared_ptr<const std::string>>> editions_;
  std::uint64_t edited_octets_ = 0;  // of all editions
  // Why the plan cannot be carried out, although the filter process has made no mistake.
  std::optional<sieve::Fault> refused_;
  std::string personal_path_;  // of the recipient's own script, if it was opened
  std::vector<Done> done_;
  bool discarded_ = false;
  bool ran_ = false;
  bool failed_ = false;
  std::uint64_t steps_ = 0;
};

}  // namespace handoff::worker
