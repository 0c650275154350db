#include "recipients/chain.hh"

#include <algorithm>

#include "recipients/cache.hh"

namespace handoff::recipients {

Result<std::unique_ptr<Chain>> Chain::make(const ChainOptions& options, const Ground& ground) {
  std::unique_ptr<Chain> chain(new Chain(options.fold));
  for (const auto& setting : options.lookups) {
    auto lookup = make_lookup(setting, ground);
    if (!lookup) return lookup.error();
    auto made = std::move(lookup).value();
    if (made->is_remote() && options.cache_ttl.count() > 0) {
      made = std::make_unique<Cache>(std::move(made), options.cache_ttl);
    }
    chain->links_.push_back({setting.substr(0, setting.find(':')), std::move(made)});
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
  return Error{ELOOP, "aliases lead in a circle from", address.text()};
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

bool Chain::tells() const {
  return std::ranges::all_of(links_, [](const Link& link) { return link.lookup->tells(); });
}

bool Chain::knows_owners() const {
  return std::ranges::any_of(links_, [](const Link& link) { return link.lookup->knows_owners(); });
}

}  // namespace handoff::recipients
