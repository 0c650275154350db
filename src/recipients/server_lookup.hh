// What all lookups that ask a server have in common: a connection that each worker keeps, that is
// made again when it broke, and that is not tried at every recipient while the server is down.
#pragma once

#include <optional>

#include "recipients/backoff.hh"
#include "recipients/lookup.hh"
#include "recipients/record.hh"
#include "sys/stream.hh"

namespace handoff::recipients {

class ServerLookup : public Lookup {
 public:
  explicit ServerLookup(const Ground& ground) : ground_(ground) {}
  // Asks; where an old connection turns out to be broken, once more over a new one. Whatever went
  // wrong with the server ends the connection, and has it left alone for a while.
  Result<Answer> find(const Address& address) final;
  bool is_remote() const override { return true; }

 protected:
  // Each ends at `deadline`, with ETIMEDOUT. connect() also prepares what is asked again and again.
  virtual Status connect(sys::Deadline deadline) = 0;
  virtual bool is_connected() const = 0;
  virtual void disconnect() = 0;
  // What the server knows of `address`; nothing where it says that it knows nothing. Its answer was
  // taken whole, and the next recipient can be asked for: EINVAL where it is malformed, EAGAIN
  // where it says that it cannot tell of this one. Any other error ends the connection. Requires
  // is_connected().
  virtual Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) = 0;

  const Ground& ground() const { return ground_; }

 private:
  Result<std::optional<Record>> ask_once(const Address& address, sys::Deadline deadline);
  Ground ground_;
  Backoff backoff_;
};

}  // namespace handoff::recipients
