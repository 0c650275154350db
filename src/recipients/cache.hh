// Caches the answers of a remote lookup, positive and negative, so that several messages to one
// recipient cause a single query. Errors are not cached. Each worker has its own cache.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "recipients/lookup.hh"
#include "sys/clock.hh"

namespace handoff::recipients {

class Cache final : public Lookup {
 public:
  // The maximum number of addresses; the least recently used one is replaced.
  static constexpr std::size_t kMost = 4096;

  Cache(std::unique_ptr<Lookup> lookup, std::chrono::seconds ttl)
      : lookup_(std::move(lookup)), ttl_(ttl) {}
  Result<Answer> find(const Address& address) override;
  bool can_verify() const override { return lookup_->can_verify(); }
  bool knows_owners() const override { return lookup_->knows_owners(); }

 private:
  struct Kept {
    std::string key;
    Answer answer;
    sys::Steady::time_point until;
  };
  std::unique_ptr<Lookup> lookup_;
  std::chrono::seconds ttl_;
  std::list<Kept> kept_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> index_;
};

}  // namespace handoff::recipients
