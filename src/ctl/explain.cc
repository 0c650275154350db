#include "ctl/explain.hh"

#include <sysexits.h>

#include <cerrno>
#include <iostream>
#include <optional>
#include <string_view>

#include "base/text.hh"
#include "conf/command_line.hh"
#include "ctl/explanation.hh"
#include "delivery/agent.hh"
#include "delivery/authority.hh"
#include "delivery/client.hh"
#include "lmtp/failure.hh"
#include "lmtp/path.hh"
#include "lmtp/replies.hh"
#include "recipients/chain.hh"
#include "recipients/resolver.hh"
#include "spool/quota_book.hh"
#include "spool/spool.hh"
#include "sys/account.hh"
#include "sys/daemon.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/process.hh"

namespace handoff::ctl {
namespace {

namespace say = lmtp::say;

// The chain, with a note of each lookup that it asks.
class Watched final : public recipients::Lookup {
 public:
  Watched(recipients::Chain& chain, Explanation& out) : chain_(chain), out_(out) {}
  Result<recipients::Answer> find(const Address& address) override {
    return chain_.find(address, [this](const recipients::Asked& asked) {
      out_.steps.push_back(
          {asked.lookup, asked.address.text(), describe(asked.answer), asked.took});
    });
  }

 private:
  static std::string describe(const Result<recipients::Answer>& answer) {
    if (!answer) return "cannot tell: " + answer.error().describe();
    if (answer.value().alias) return "knows another name of " + answer.value().alias->text();
    if (answer.value().mailbox) return "knows the mailbox " + answer.value().mailbox->name();
    return "knows nobody";
  }
  recipients::Chain& chain_;
  Explanation& out_;
};

class Explainer {
 public:
  Explainer(const conf::Config& config, std::string given) : config_(config) {
    out_.given = std::move(given);
  }
  // Reads tables and opens modules as whoever we are, then asks as config.user.
  Explanation run();

 private:
  void verdict(const lmtp::Reply& reply) {
    out_.code = reply.code;
    out_.verdict = reply.one_line();
  }
  void explain(const Address& address);
  // A mailbox that must be counted is, as at RCPT.
  void look_at(const Mailbox& mailbox, const sys::Fd& spool);
  // Another user's mailbox is looked into by a delivery process, as for a worker: its home is
  // closed to us, and a disk that is dead would hold us. Before root is given up.
  void start_delivery_process();

  const conf::Config& config_;
  sys::PosixFiles files_;
  recipients::Tables tables_;
  recipients::Modules modules_;
  bool is_root_ = false;  // the master that has this configuration
  sys::Log quiet_{sys::LogFormat::kText, sys::Level::kError};
  std::optional<delivery::Client> owners_;
  Explanation out_;
};

Explanation Explainer::run() {
  is_root_ = sys::is_root() || !config_.user.empty();
  auto tables = recipients::load_tables(config_.recipients.lookups,
                                        recipients::fold_whole(config_.recipient_rules()));
  if (!tables) throw conf::ConfigError(tables.error().describe());
  auto modules = recipients::open_modules(config_.recipients.lookups);
  if (!modules) throw conf::ConfigError(modules.error().describe());
  tables_ = std::move(tables).value();
  modules_ = std::move(modules).value();
  if (delivery::is_needed(config_)) start_delivery_process();
  if (!config_.user.empty()) {
    auto account = sys::find_account(config_.user, config_.group);
    auto became = account ? sys::become(account.value()) : Status(account.error());
    if (!became) {
      std::cerr << "handoffctl: asking as this user, not as " << config_.user << ": "
                << became.error().describe() << "\n";
    }
  }
  std::string_view given = out_.given;
  if (given.starts_with('<') && given.ends_with('>')) given = given.substr(1, given.size() - 2);
  lmtp::PathRules rules{.bare_local = !config_.recipients.default_domain.empty(),
                        .max_local = lmtp::kMaxRecipientLocal};
  auto path = lmtp::parse_mailbox(given, rules);
  if (path.fault != lmtp::PathFault::kNone) {
    verdict(say::kBadRecipient);
    return out_;
  }
  out_.parsed = path.address.text();
  explain(path.address);
  return out_;
}

void Explainer::explain(const Address& address) {
  auto rules = config_.recipient_rules();
  auto named = recipients::fold_address(address, rules);
  out_.folded = named.user.text();
  out_.detail = named.detail;
  auto spool = files_.open_root(config_.spool.path);
  if (!spool) {
    // Without it no worker would be there to answer.
    out_.place_error = spool.error().describe();
    return verdict(lmtp::reply_to_lookup_failure());
  }
  recipients::Ground ground{
      files_,   spool.value(), config_.spool.layout, config_.recipients.lookup_timeout,
      &tables_, &modules_};
  auto chain = recipients::Chain::make(
      {config_.recipients.lookups, {}, recipients::fold_whole(rules)}, ground);
  if (!chain) throw conf::ConfigError(chain.error().describe());
  Watched watched(*chain.value(), out_);
  auto as_owner = [&](Mailbox& mailbox, const std::string& folder) {
    if (auto allowed = delivery::check_owner(*mailbox.owner, config_); !allowed) return allowed;
    if (owners_) return owners_->choose_folder(mailbox, folder);
    if (is_root_) return Status();
    return Status(Error{EPERM, "only a handoffd that root has started can deliver as its owner",
                        mailbox.name()});
  };
  recipients::Resolver resolver(rules, ground, watched);
  out_.served = resolver.serves(address);
  if (!out_.served) return verdict({say::kNotServed, {address.text()}});
  auto found = resolver.resolve(address, as_owner);
  if (!found) {
    out_.place_error = found.error().describe();
    return verdict(lmtp::reply_to_lookup_failure());
  }
  if (!found.value()) return verdict({say::kUnknownRecipient, {address.text()}});
  out_.mailbox = std::move(*found.value());
  look_at(*out_.mailbox, spool.value());
}

void Explainer::start_delivery_process() {
  // A home that hangs may keep it for longer than us.
  auto started = delivery::start(config_, quiet_, tables_, sys::let_go_of_standard_descriptors);
  if (started) owners_.emplace(config_, std::move(started).value());
}

void Explainer::look_at(const Mailbox& mailbox, const sys::Fd& spool) {
  out_.owner = mailbox.owner
                   ? std::to_string(mailbox.owner->uid) + ":" + std::to_string(mailbox.owner->gid)
               : config_.user.empty() ? "whoever starts handoffd"
                                      : config_.user;
  spool::QuotaBook quotas(files_, spool, {config_.quota.size, config_.quota.messages},
                          spool::SpoolOptions().quota_patience);
  delivery::Look look;
  if (!sys::is_anothers(mailbox)) {
    look = delivery::look_at(files_, spool, quotas, mailbox, 0);
  } else if (owners_) {
    auto looked = owners_->look(mailbox, 0);
    if (!looked) {
      out_.place_error = looked.error().describe();
      // RCPT does not look where there is no quota.
      bool any = quotas.limits_of(mailbox).any();
      return verdict(any ? lmtp::reply_to(looked.error()) : say::kRecipientOk);
    }
    look = std::move(looked).value();
  } else {
    look.error = Error{EPERM, "only root can look into it", mailbox.name()};
  }
  if (look.error) {
    out_.place_error = look.error->describe();
  } else {
    auto base = mailbox.base.empty() ? config_.spool.path : mailbox.base;
    auto whole = base + "/" + mailbox.path;
    out_.place = {whole, look.is_there, look.is_there ? whole : base, look.filesystem,
                  look.free_octets};
  }
  out_.quota = look.quota;
  if (!look.quota || spool::QuotaBook::check(*look.quota, 0).ok()) {
    return verdict(say::kRecipientOk);
  }
  bool for_good = look.quota->certain && config_.quota.over == conf::QuotaOver::kBounce;
  verdict({for_good ? say::kOverQuotaForGood : say::kOverQuota, {mailbox.address}});
}

}  // namespace

int explain(const Invocation& invocation) {
  bool json = false;
  std::string address;
  for (const auto& argument : invocation.arguments) {
    if (argument == "--json") {
      json = true;
    } else if (address.empty() && !argument.empty() && !argument.starts_with("--")) {
      address = argument;
    } else {
      throw conf::ConfigError("explain: takes one address and --json", EX_USAGE);
    }
  }
  if (address.empty()) throw conf::ConfigError("explain: which address?", EX_USAGE);
  auto config = conf::load_file(invocation.config_file).config;
  auto explanation = Explainer(config, address).run();
  std::cout << (json ? as_json(explanation) : as_text(explanation));
  switch (explanation.code / 100) {
    case 2:
      return EX_OK;
    case 4:
      return EX_TEMPFAIL;
    default:
      return EX_NOUSER;
  }
}

}  // namespace handoff::ctl
