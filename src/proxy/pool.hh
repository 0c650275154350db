// The connections of a worker to backends. One is kept for each backend between transactions.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "board/backend_writer.hh"
#include "proxy/connection.hh"
#include "proxy/options.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::proxy {

class Pool {
 public:
  // Connects to a backend.
  using Connect = std::function<Result<sys::Fd>(const Backend& backend, sys::Deadline deadline)>;

  explicit Pool(Options options, Connect connect = {});
  Pool(const Pool&) = delete;
  ~Pool();

  const Options& options() const { return options_; }

  // From now on, records in `records` how backends answer; `records` must outlive the object.
  void record_in(board::BackendRecords& records) { records_ = &records; }
  board::BackendWriter record_of(const Backend& backend) const {
    return records_ == nullptr ? board::BackendWriter()
                               : board::BackendWriter(*records_, backend.text());
  }

  struct Taken {
    Connection connection;
    bool reused;  // the backend may have closed it, which only the first command shows
  };
  // Returns a connection without a transaction; with `fresh`, a new one. EACCES with
  // Reason::kExplained if the settings forbid this backend. If a backend did not answer, the same
  // error is returned without asking it again for kPause, so that it holds up only one transaction
  // at a time. Otherwise blocks for at most Options::timeout_of().
  Result<Taken> take(const Backend& backend, bool fresh);
  // The backend did not answer: it is not asked again for kPause.
  void note_silent(const Backend& backend, Error error);
  // Keeps a connection. Either everything was read from it and reset() was called, or nothing was
  // sent.
  void give_back(const Backend& backend, Connection connection);

 private:
  static constexpr std::size_t kMostKept = 16;
  static constexpr std::chrono::seconds kPause{10};

  struct Kept {
    Connection connection;
    sys::Steady::time_point since;
  };
  struct Silent {
    Error error;
    sys::Steady::time_point until;
  };
  Result<sys::Fd> dial(const Backend& backend, sys::Deadline deadline) const;

  Options options_;
  Connect connect_;
  board::BackendRecords* records_ = nullptr;  // null: nothing is recorded
  std::map<Backend, Kept> kept_;
  std::map<Backend, Silent> silent_;
};

}  // namespace handoff::proxy
