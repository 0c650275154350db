// The common part of lookups that ask a server: each worker keeps a connection and reconnects when
// it breaks. While the server is down, it is not tried again for every recipient.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "recipients/lookup.hh"
#include "recipients/record.hh"
#include "sys/clock.hh"
#include "sys/stream.hh"

namespace handoff::recipients {

// The pause before a failed server is asked again, so that not every recipient waits for it.
class Backoff {
 public:
  bool holds(sys::Steady::time_point now) const { return failures_ > 0 && now < until_; }
  // Requires that failed() was called.
  const Error& cause() const { return cause_; }

  // After a first failure the next attempt is immediate: a server that was restarted is available
  // again.
  void failed(Error cause, sys::Steady::time_point now) {
    cause_ = std::move(cause);
    until_ = now + (failures_ == 0 ? std::chrono::milliseconds(0)
                                   : std::min(kLongest, kFirst * (1 << std::min(failures_, 10))));
    ++failures_;
  }
  void succeeded() { failures_ = 0; }

 private:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kLongest{5000};
  int failures_ = 0;  // in a row
  sys::Steady::time_point until_;
  Error cause_;
};

class ServerLookup : public Lookup {
 public:
  explicit ServerLookup(const LookupContext& context) : context_(context) {}
  // Asks the server; if an old connection turns out to be broken, asks again over a new one. An
  // error of the server ends the connection, and the server is not asked again for a while.
  Result<std::optional<Record>> find_record(const Address& address) final;
  Result<Answer> find(const Address& address) final;

 protected:
  // Each fails with ETIMEDOUT at `deadline`. connect() also prepares the statement.
  virtual Status connect(sys::Deadline deadline) = 0;
  virtual bool is_connected() const = 0;
  virtual void disconnect() = 0;
  // Returns the server's record of `address`, or nothing if the server answers that there is none.
  // EINVAL if the answer is malformed, EAGAIN if the server cannot answer for this address; after
  // these the connection can still be used. Any other error ends it. Requires is_connected().
  virtual Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) = 0;

  const LookupContext& context() const { return context_; }

 private:
  Result<std::optional<Record>> ask_once(const Address& address, sys::Deadline deadline);
  LookupContext context_;
  Backoff backoff_;
};

}  // namespace handoff::recipients
