// A message being received: SPOOL/.handoff/staging/NAME. States "receiving" and "complete" of
// README. Where the object ends, the name is gone: what is in mailboxes by then has names of its
// own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "spool/newline.hh"
#include "sys/digest.hh"
#include "sys/files.hh"

namespace handoff::spool {

class Staging {
 public:
  // Creates the file. `directory` must outlive the object. `exact`: line ends are stored as sent.
  // `sync` decides what completes it: kFile and kNames sync the data, kNamesInOrder writes it out;
  // of kFile the file is closed then, and sync_names() has nothing to do.
  static Result<Staging> create(sys::Files& files, const sys::Fd& directory, std::string name,
                                bool exact, sys::FileSync sync = sys::FileSync::kFile);
  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  const std::string& name() const { return name_; }
  const sys::Fd& directory() const { return *directory_; }

  // The trace header that stands before the content, in lines that end in CRLF.
  Status append_trace(std::string_view octets);
  // Stores content whose lines end in CRLF. May write, and block.
  Status append(std::string_view octets);
  // All of the content is there: it is written, and size(), digest() are known.
  Status end_content();
  // What has to be on disk before the file is given a name in a mailbox is: the state "complete".
  // After a failure the object is good for nothing but its end: a failed sync is never tried again
  // (the kernel may have dropped the pages and forgotten the error).
  Status complete();
  // The file is on disk, with all of its names where file_sync() says so of the directory; it is
  // closed. Of a completed one; a failure is as above.
  Status sync_names();

  // The file stays, for the sweep.
  void leave() { name_.clear(); }

  std::uint64_t size() const { return size_; }  // octets on disk
  // Of the content as received, without the trace header.
  const sys::Digest& digest() const { return digest_; }
  // Where in the file the content begins, octets.
  std::uint64_t content_offset() const { return content_offset_; }

 private:
  Staging(sys::Files& files, const sys::Fd& directory, std::string name, sys::Fd file, bool exact,
          sys::FileSync sync);
  Status store(std::string_view octets);
  Status flush();

  sys::Files* files_;
  const sys::Fd* directory_;
  std::string name_;
  sys::Fd file_;
  bool exact_;
  sys::FileSync sync_;
  CrlfToLf newlines_;
  std::string buffer_;  // converted, not yet written
  std::uint64_t size_ = 0;
  std::uint64_t sent_ = 0;  // octets of them that are on their way to the disk
  std::uint64_t content_offset_ = 0;
  sys::Sha256 hash_;
  sys::Digest digest_{};
};

}  // namespace handoff::spool
