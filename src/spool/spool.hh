// The spool as the worker sees it: begin a message, commit it mailbox by mailbox.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/commit.hh"
#include "spool/name.hh"
#include "spool/staging.hh"
#include "spool/sweep.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct SpoolOptions {
  std::string path;
  std::string host;   // for names
  bool crlf = false;  // lines are stored with CRLF, not LF
};

class Spool {
 public:
  // Opens the spool and makes SPOOL/.handoff/staging (mode 0700) where it is missing. `files` must
  // outlive the object.
  static Result<Spool> open(sys::Files& files, SpoolOptions options);
  Spool(Spool&&) = default;

  const sys::Fd& root() const { return root_; }
  // A new message. `binary`: BODY=BINARYMIME, stored to the octet (RFC 3030 3).
  Result<Staging> begin(bool binary);
  // See commit.hh. `personal` lines end in CRLF.
  Result<Delivered> commit(const Staging& staging, const Mailbox& mailbox,
                           std::string_view personal);
  Result<sys::Space> space() { return files_->space(root_); }
  Result<Swept> sweep();

 private:
  Spool(sys::Files& files, SpoolOptions options, sys::Fd root, sys::Fd staging);

  sys::Files* files_;
  SpoolOptions options_;
  sys::Fd root_;
  std::unique_ptr<sys::Fd> staging_;  // stays where it is: Staging objects point to it
  NameMaker names_;
};

}  // namespace handoff::spool
