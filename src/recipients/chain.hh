// The lookups of recipients.lookup, asked in order: the first that knows the address answers. An
// error ends the search, because a later lookup must not decide in place of one that failed (R1).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/lookup_kind.hh"
#include "recipients/lookup.hh"
#include "sys/clock.hh"

namespace handoff::recipients {

struct ChainOptions {
  std::vector<LookupSetting> lookups;
  std::chrono::seconds cache_ttl{0};  // 0: no cache
  // Folds the target of an alias as recipients are folded (fold_whole()); empty: leave it as it is.
  std::function<Address(const Address&)> fold = {};
};

// The result of one lookup, for observers such as handoffctl explain.
struct LookupResult {
  const std::string& lookup;  // "postgresql"
  const Address& address;
  const Result<Answer>& answer;
  sys::Steady::duration took;
};

class Chain final : public Lookup {
 public:
  // The maximum length of a chain of aliases. Postfix's virtual_alias_recursion_limit is far
  // higher, but it also applies to lists.
  static constexpr int kMostAliases = 16;

  using Watcher = std::function<void(const LookupResult&)>;

  // `context` outlives the chain.
  static Result<std::unique_ptr<Chain>> make(const ChainOptions& options,
                                             const LookupContext& context);

  // Follows aliases; each alias is looked up from the start of the chain. The answer is a mailbox
  // or nobody. ELOOP if there are more than kMostAliases.
  Result<Answer> find(const Address& address) override;
  Result<Answer> find(const Address& address, const Watcher& watcher);
  bool can_verify() const override;
  bool knows_owners() const override;

 private:
  struct Link {
    std::string name;
    std::unique_ptr<Lookup> lookup;
  };
  explicit Chain(std::function<Address(const Address&)> fold) : fold_(std::move(fold)) {}
  Result<Answer> ask_all(const Address& address, const Watcher& watcher);
  std::vector<Link> links_;
  std::function<Address(const Address&)> fold_;
};

}  // namespace handoff::recipients
