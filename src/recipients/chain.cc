#include "recipients/chain.hh"

#include <algorithm>

#include "recipients/cache.hh"
#include "recipients/kinds.hh"
#include "recipients/lookup_process.hh"

namespace handoff::recipients {

Result<std::unique_ptr<Chain>> Chain::make(const ChainOptions& options,
                                           const LookupContext& context) {
  std::unique_ptr<Chain> chain(new Chain(options.fold));
  for (std::size_t number = 0; number < options.lookups.size(); ++number) {
    const auto& setting = options.lookups[number];
    auto lookup = make_lookup(options.lookups, number, context);
    if (!lookup) return lookup.error();
    auto made = std::move(lookup).value();
    if (setting.kind.remote && options.cache_ttl.count() > 0) {
      made = std::make_unique<Cache>(std::move(made), options.cache_ttl);
    }
    chain->links_.push_back({std::string(setting.kind.name), std::move(made)});
  }
  return chain;
}

Result<Answer> Chain::find(const Address& address) { return find(address, {}); }

Result<Answer> Chain::find(const Address& address, const Watcher& watcher) {
  Address name = address;
  for (int aliases = 0; aliases <= kMostAliases; ++aliases) {
    auto answer = ask_all(name, watcher);
    if (!answer || !answer.value().alias) return answer;
    name = fold_ ? fold_(*answer.value().alias) : *answer.value().alias;
  }
  return explained(ELOOP, "aliases form a cycle", address.text());
}

Result<Answer> Chain::ask_all(const Address& address, const Watcher& watcher) {
  for (const auto& link : links_) {
    auto begin = sys::Steady::now();
    auto answer = link.lookup->find(address);
    if (watcher) watcher({link.name, address, answer, sys::Steady::now() - begin});
    if (!answer) {
      auto error = answer.error();
      error.what = link.name + ": " + error.what;
      return error;
    }
    if (answer.value().known()) return answer;
  }
  return Answer();
}

bool Chain::can_verify() const {
  return std::ranges::all_of(links_, [](const Link& link) { return link.lookup->can_verify(); });
}

bool Chain::knows_owners() const {
  return std::ranges::any_of(links_, [](const Link& link) { return link.lookup->knows_owners(); });
}

}  // namespace handoff::recipients
