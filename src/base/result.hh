// Result<T>: a value, or why there is none. What sys/, recipients/ and spool/ return;
// the worker turns an Error into exactly one reply through lmtp/failure.hh.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace handoff {

// `code` is an errno value (never 0), `what` the operation as an operator would name it
// ("fsync", "lookup"), `path` what it was done to, relative to the spool where it lies there.
struct Error {
  int code = EIO;
  std::string what;
  std::string path;

  // "fsync example.org/pat/new: Input/output error"
  std::string describe() const;
  // "Input/output error"
  std::string cause() const;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires ok(). A Result asked for what it does not hold is a broken invariant: abort.
  T& value() & { return *checked(std::get_if<0>(&state_)); }
  const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  // Requires !ok().
  const Error& error() const { return *checked(std::get_if<1>(&state_)); }

 private:
  template <class P>
  static P* checked(P* p) {
    if (p == nullptr) std::abort();
    return p;
  }
  std::variant<T, Error> state_;
};

// Success, or why not.
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
