// The lookup process of a worker: only this process has the passwords of databases and directories,
// and connections to their servers. The worker sends it questions, and interprets the answers
// itself, as for every other lookup.
//
//   worker                                       lookup process
//     Chain: Cache: ApartLookup --- Question --->  postgresql, ldap, socketmap ...
//                               <--- Record -----
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/lookup_kind.hh"
#include "recipients/lookup.hh"
#include "recipients/question.hh"
#include "sys/fd.hh"

namespace handoff::recipients {

// Returns whether one of these lookups needs a lookup process (LookupKind::apart()).
bool need_process(const std::vector<LookupSetting>& lookups);

// The process: creates the lookups in `lookups` about which it is asked, and answers the worker at
// the other end of `socket` until the worker closes it. Blocks as long as a lookup does.
class LookupProcess {
 public:
  // `context` must outlive the object. A lookup that cannot be created answers every question with
  // the reason.
  LookupProcess(const std::vector<LookupSetting>& lookups, const LookupContext& context);
  void serve(const sys::Fd& socket);

 private:
  Found answer(const Question& question);
  // One element for each of `lookups`, with the same index; an error if the lookup was not created.
  std::vector<Result<std::unique_ptr<Lookup>>> made_;
};

// The worker's end of the socket.
class LookupClient {
 public:
  explicit LookupClient(sys::Fd socket) : socket_(std::move(socket)) {}
  // Sends a question and waits for the answer. EPIPE if the process has ended or does not answer in
  // time; no further question is possible after that.
  Found ask(const Question& question, std::chrono::milliseconds timeout);
  bool is_broken() const { return !socket_; }

 private:
  sys::Fd socket_;
};

// Creates number `number` of `lookups`. If it is apart() and there is a context.process, that
// process creates it, and is asked whether it could.
Result<std::unique_ptr<Lookup>> make_lookup(const std::vector<LookupSetting>& lookups,
                                            std::size_t number, const LookupContext& context);

}  // namespace handoff::recipients
