// Keeps what a remote lookup said, yes and no, for a while: a message to many recipients, or many
// to one, asks it once. Errors are not kept. Each worker has its own.
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
  // Addresses; the one that was asked for longest ago makes room.
  static constexpr std::size_t kMost = 4096;

  Cache(std::unique_ptr<Lookup> lookup, std::chrono::seconds ttl)
      : lookup_(std::move(lookup)), ttl_(ttl) {}
  Result<Answer> find(const Address& address) override;
  bool tells() const override { return lookup_->tells(); }
  bool knows_owners() const override { return lookup_->knows_owners(); }

 private:
  struct Kept {
    std::string key;
    Answer answer;
    sys::Steady::time_point until;
  };
  std::unique_ptr<Lookup> lookup_;
  std::chrono::seconds ttl_;
  std::list<Kept> kept_;  // the one that was asked for last comes first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> index_;
};

}  // namespace handoff::recipients
