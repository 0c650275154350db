// The lookups of recipients.lookup, asked in their order: the first that knows the address answers.
// One that cannot tell ends the matter: those behind it might say what it would have denied (R1).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "recipients/lookup.hh"
#include "sys/clock.hh"

namespace handoff::recipients {

struct ChainOptions {
  std::vector<std::string> lookups;   // as in recipients.lookup
  std::chrono::seconds cache_ttl{0};  // 0: nothing is kept
  // What an alias leads to, as recipients are asked for (fold_whole()); empty: as it is.
  std::function<Address(const Address&)> fold = {};
};

// One lookup that was asked, for those who want to watch.
struct Asked {
  const std::string& lookup;  // "postgresql"
  const Address& address;
  const Result<Answer>& answer;
  sys::Steady::duration took;
};

class Chain final : public Lookup {
 public:
  // How many aliases may lead to each other. Postfix's virtual_alias_recursion_limit is far more,
  // but expands to lists.
  static constexpr int kMostAliases = 16;

  using Watcher = std::function<void(const Asked&)>;

  // `ground` outlives the chain.
  static Result<std::unique_ptr<Chain>> make(const ChainOptions& options, const Ground& ground);

  // Aliases are followed, from the first lookup on: the answer is a mailbox, or nobody. ELOOP where
  // there are more than kMostAliases of them.
  Result<Answer> find(const Address& address) override;
  Result<Answer> find(const Address& address, const Watcher& watcher);
  bool tells() const override;
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
