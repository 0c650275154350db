// Result<T>: a value, or the Error that prevented it. Used by sys/, recipients/ and spool/. The
// worker turns an Error into exactly one reply (lmtp/failure.hh).
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace handoff {

// Callers decide by this and by the errno, never by an error's text.
enum class Reason : std::uint8_t {
  kSystem,           // a system call or library call failed with `code`
  kExplained,        // `what` is a sentence, ours or a server's, that gives the reason
  kOverQuota,        // the mailbox is full
  kMaybeOverQuota,   // the mailbox is full according to a count that may be outdated
  kMailboxBusy,      // recipients.max-concurrent deliveries to the mailbox are in progress
  kMailboxSlow,      // the mailbox was slow recipients.slow-limit times in a row
  kNotOurs,          // the mailbox belongs to another user, and there is no delivery process
  kSpoolReplaced,    // spool.path no longer names the directory that is open
  kSpoolMissing,     // spool.path names nothing, because its directory was moved or removed
  kSpoolFolderGone,  // SPOOL/.handoff was removed, or another directory is in its place
  kRejected,         // the recipient's script rejects the message; `what` is its text
  kSpoolInUse,       // another host uses the spool
};
inline constexpr Reason kLastReason = Reason::kSpoolInUse;

// `code` is an errno value, never 0. With Reason::kSystem, `what` is the operation in an operator's
// words ("fsync", "lookup"); otherwise it is a sentence that gives the reason. `path` is the file
// concerned, relative to the spool if it is there.
// The texts may contain any octet, such as those of a server; whoever shows an error escapes them.
struct Error {
  int code = EIO;
  std::string what;
  std::string path;
  Reason reason = Reason::kSystem;

  // "fsync example.org/pat/new: Input/output error", "the mailbox is full: example.org/pat"
  std::string describe() const;
  // "Input/output error", "the mailbox is full"
  std::string cause() const;
};

// Returns an error whose text is complete without the text of an errno.
inline Error explained(int code, std::string what, std::string path = {},
                       Reason reason = Reason::kExplained) {
  return {code, std::move(what), std::move(path), reason};
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires ok(); aborts otherwise.
  T& value() & { return *checked(std::get_if<0>(&state_)); }
  const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  // Requires !ok(); aborts otherwise.
  const Error& error() const { return *checked(std::get_if<1>(&state_)); }

 private:
  template <class P>
  static P* checked(P* p) {
    if (p == nullptr) std::abort();
    return p;
  }
  std::variant<T, Error> state_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    if (!error_) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace handoff
