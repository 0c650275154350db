// The file of a message in SPOOL/.handoff/staging: states "receiving" and "complete" of README. The
// destructor removes the name; by then the message has other names in its mailboxes.
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
  // `sync` decides what completes the file: kFile and kNames sync the data, kNamesInOrder writes it
  // out. With kFile the file is then closed, and sync_names() has nothing to do.
  static Result<Staging> create(sys::Files& files, const sys::Fd& directory, std::string name,
                                bool exact, sys::FileSync sync = sys::FileSync::kFile);
  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  const std::string& name() const { return name_; }
  const sys::Fd& directory() const { return *directory_; }

  // Appends the trace header, which precedes the content, in lines that end in CRLF.
  Status append_trace(std::string_view octets);
  // Appends content, whose lines end in CRLF. May write and block.
  Status append(std::string_view octets);
  // All content has been appended: writes it. size() and digest() are valid afterwards.
  Status end_content();
  // Brings to disk what must be there before the file gets a name in a mailbox: state "complete".
  // After a failure the object may only be destroyed: a failed sync is never repeated, because the
  // kernel may have dropped the pages and forgotten the error.
  Status complete();
  // Syncs the completed file, including its names if file_sync() of the directory says so, and
  // closes it. After a failure the object may only be destroyed.
  Status sync_names();

  // The file stays after the object is destroyed, for the sweep.
  void keep() { name_.clear(); }

  std::uint64_t size() const { return size_; }  // octets on disk
  // Returns the digest of the content as received, without the trace header.
  const sys::Digest& digest() const { return digest_; }
  // Returns the offset of the content in the file, octets.
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
  std::string buffer_;  // converted, but not yet written
  std::uint64_t size_ = 0;
  std::uint64_t sent_ = 0;  // of these octets, how many are being written to disk
  std::uint64_t content_offset_ = 0;
  sys::Digester digester_;
  sys::Digest digest_{};
};

}  // namespace handoff::spool
