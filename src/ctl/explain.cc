#include <cerrno>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>

#include "base/text.hh"
#include "conf/command_line.hh"
#include "conf/copy.hh"
#include "ctl/checks.hh"
#include "ctl/commands.hh"
#include "ctl/explanation.hh"
#include "delivery/agent.hh"
#include "delivery/destination.hh"
#include "lmtp/failure.hh"
#include "lmtp/path.hh"
#include "lmtp/replies.hh"
#include "proxy/relay.hh"
#include "recipients/chain.hh"
#include "recipients/kinds.hh"
#include "recipients/layout.hh"
#include "recipients/resolver.hh"
#include "recipients/script.hh"
#include "recipients/template.hh"
#include "spool/mailbox_writer.hh"
#include "spool/quotas.hh"
#include "spool/room.hh"
#include "sys/account.hh"
#include "sys/daemon.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/secrets.hh"

namespace handoff::ctl {
namespace {

namespace say = lmtp::say;

// Records each lookup that the chain asks.
class Recorder final : public recipients::Lookup {
 public:
  Recorder(recipients::Chain& chain, const conf::Config& config, Explanation& out)
      : chain_(chain), config_(config), out_(out) {}
  Result<recipients::Answer> find(const Address& address) override {
    return chain_.find(address, [this](const recipients::LookupResult& asked) {
      out_.steps.push_back({asked.lookup, asked.address.text(), describe(asked), asked.took});
    });
  }

 private:
  std::string describe(const recipients::LookupResult& asked) const {
    const auto& answer = asked.answer;
    if (!answer) return "failed: " + answer.error().describe();
    if (answer.value().alias) return "knows an alias of " + answer.value().alias->text();
    if (answer.value().mailbox) return "knows the mailbox " + answer.value().mailbox->name();
    auto tried = what_was_tried(asked.lookup, asked.address);
    return "knows nobody" + (tried.empty() ? "" : ": " + tried);
  }
  // Returns the path or the query that a lookup tried. The text before the query may contain a
  // password.
  std::string what_was_tried(const std::string& kind, const Address& address) const {
    if (kind == "mailbox") {
      auto mailbox = recipients::mailbox_by_layout(config_.spool.layout, address);
      return mailbox ? "no directory " + config_.spool.path + "/" + mailbox->path : "";
    }
    if (kind == "passwd") return "no user " + address.local;
    for (const auto& setting : config_.recipients.lookups) {
      if (setting.kind.name != kind) continue;
      const auto& argument = setting.argument;
      if (kind == "file") return "not in " + argument;
      bool is_database = kind == "sqlite" || kind == "postgresql" || kind == "mysql";
      if (is_database) {
        auto database = recipients::Database::parse(argument);
        return database ? "no row for " + database.value().query.shown(address, "'") : "";
      }
      auto user = address.local + "@" + address.domain;
      if (kind == "socketmap") {
        return "asked for " + argument.substr(argument.rfind(':') + 1) + " " + user;
      }
      if (kind == "dovecot") return "asked for the user " + user;
      if (kind == "ldap") return tried_in_directory(argument, address);
    }
    return {};
  }
  // "ldap://HOST/BASE?FIELD=ATTRIBUTE?SCOPE?FILTER", which extensions with a password may follow.
  // The scheme may be missing.
  static std::string tried_in_directory(const std::string& url, const Address& address) {
    auto parts = split(url, '?');
    auto slash = parts.front().find('/', parts.front().find("//") + 2);
    auto base = slash == std::string_view::npos ? "" : parts.front().substr(slash + 1);
    if (parts.size() < 4) return {};
    auto filter = recipients::Template::parse(parts[3]);
    return "no entry for " + (filter ? filter.value().shown(address) : std::string(parts[3])) +
           " below " + std::string(base);
  }

  recipients::Chain& chain_;
  const conf::Config& config_;
  Explanation& out_;
};

class Explainer {
 public:
  Explainer(conf::Settings& settings, std::string given)
      : settings_(settings), config_(settings.config) {
    out_.given = std::move(given);
  }
  // Reads tables and opens modules as the current user, then asks as config.user.
  Explanation run();

 private:
  void verdict(const lmtp::Reply& reply) {
    out_.code = reply.code;
    out_.verdict = reply.one_line();
  }
  void defer(const lmtp::Reply& reply, std::string cause) {
    out_.cause = std::move(cause);
    verdict(reply);
  }
  // Determines whether a delivery to a recipient that RCPT accepts would fail.
  void check_delivery(const delivery::Destination& destination, const sys::Fd& spool);
  // Opens the scripts as a worker would.
  void look_for_scripts(delivery::Destination& destination);
  void explain(const Address& address);
  // As at RCPT, counts the mailbox if its quota requires that.
  void inspect(delivery::Destination& destination, const sys::Fd& spool);
  // Asks the host that has the mailbox, as at RCPT.
  void ask_backend(const Mailbox& mailbox);
  // Another user's mailbox is inspected by a delivery process, as for a worker: this process may
  // not enter the home, and a dead disk would block it. Requires root.
  void start_delivery_process();

  conf::Settings& settings_;
  const conf::Config& config_;
  sys::Files files_;
  recipients::Tables tables_;
  recipients::Modules modules_;
  bool is_root_ = false;  // a master with this configuration
  bool is_user_ = true;   // this process has the rights of config.user
  sys::Log quiet_{sys::LogFormat::kText, sys::Level::kError};
  std::optional<delivery::Client> client_;
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
    is_user_ = became.ok();
    if (!became) {
      std::cerr << "handoffctl: running lookups as the current user, not as " << config_.user
                << ": " << became.error().describe() << "\n";
    }
  }
  std::string_view given = out_.given;
  if (given.starts_with('<') && given.ends_with('>')) given = given.substr(1, given.size() - 2);
  lmtp::PathRules rules{.bare_local = !config_.recipients.default_domain.empty()};
  auto path = lmtp::parse_mailbox(given, rules);
  if (path.fault != lmtp::PathFault::kNone) {
    verdict({say::kBadRecipient, {"<" + std::string(given) + ">"}});
    return out_;
  }
  out_.parsed = path.address.text();
  explain(path.address);
  return out_;
}

void Explainer::explain(const Address& address) {
  auto rules = config_.recipient_rules();
  auto folded = recipients::fold_address(address, rules);
  out_.folded = folded.user.text();
  out_.detail = folded.detail;
  auto spool = files_.open_root(config_.spool.path);
  if (!spool) {
    // No worker could start without it.
    return defer(lmtp::reply_to_lookup_failure(), spool.error().describe());
  }
  recipients::LookupContext context{.files = files_,
                                    .spool = spool.value(),
                                    .layout = config_.spool.layout,
                                    .timeout = config_.recipients.lookup_timeout,
                                    .tables = &tables_,
                                    .modules = &modules_,
                                    .proxy = config_.passes_on(recipients::name_hosts(tables_))};
  auto chain = recipients::Chain::make(
      {config_.recipients.lookups, {}, recipients::fold_whole(rules)}, context);
  if (!chain) throw conf::ConfigError(chain.error().describe());
  Recorder recorder(*chain.value(), config_, out_);
  spool::Quotas quotas(files_, spool.value(), {config_.quota.size, config_.quota.messages},
                       spool::WriterOptions().quota_patience);
  delivery::Destinations destinations(config_, quiet_, files_, spool.value(), quotas,
                                      std::move(client_));
  std::unique_ptr<delivery::Destination> destination;
  auto choose = [&](Mailbox& mailbox, const std::string& detail) -> Status {
    if (mailbox.backend) {
      mailbox.path =
          proxy::address_there(address, mailbox.address, detail, config_.recipients.delimiter);
      return {};
    }
    destination = destinations.of(mailbox);
    auto chosen = destination->choose_folder(detail);
    // A server that runs as root with this configuration would ask its delivery process.
    if (!chosen && chosen.error().reason == Reason::kNotOurs && is_root_) return {};
    mailbox = destination->mailbox();
    return chosen;
  };
  recipients::Resolver resolver(rules, context, recorder);
  out_.served = resolver.serves(address);
  if (!out_.served) return verdict({say::kNotServed, {address.text()}});
  auto found = resolver.resolve(address, choose);
  if (!found) {
    return defer(lmtp::reply_to_lookup_failure(), found.error().describe());
  }
  if (!found.value()) return verdict({say::kUnknownRecipient, {address.text()}});
  out_.mailbox = std::move(*found.value());
  if (out_.mailbox->backend) return ask_backend(*out_.mailbox);
  inspect(*destination, spool.value());
}

void Explainer::ask_backend(const Mailbox& mailbox) {
  proxy::Pool pool(proxy::options_of(config_));
  proxy::Relay relay(pool, {}, proxy::Content(files_, {}));
  auto begin = sys::Steady::now();
  verdict(relay.add(mailbox, Recipient()));
  out_.backend = {mailbox.backend->text(), mailbox.path, sys::Steady::now() - begin};
  if (auto cause = relay.cause(mailbox)) out_.cause = cause->describe();
}

void Explainer::start_delivery_process() {
  // The delivery process may outlive this process if a home does not respond.
  auto started = delivery::start(config_, quiet_, tables_, [this] {
    sys::close_standard_descriptors();
    conf::forget_secrets(settings_);
    sys::erase_database_variables();
  });
  if (started) client_.emplace(config_, std::move(started).value());
}

void Explainer::inspect(delivery::Destination& destination, const sys::Fd& spool) {
  const auto& mailbox = destination.mailbox();
  out_.owner = mailbox.owner
                   ? std::to_string(mailbox.owner->uid) + ":" + std::to_string(mailbox.owner->gid)
               : config_.user.empty() ? "the user that starts handoffd"
                                      : config_.user;
  auto found = destination.inspect(0);
  if (!found && found.error().reason == Reason::kNotOurs) {
    out_.cause = explained(EPERM, "only root can inspect it", mailbox.name()).describe();
    return verdict(say::kRecipientOk);
  }
  if (!found) return defer(lmtp::reply_to(found.error()), found.error().describe());
  const auto& facts = found.value();
  out_.quota = facts.quota;
  if (facts.error) {
    auto cause = facts.error->describe();
    if (is_user_) return defer(lmtp::reply_to(*facts.error), cause);
    out_.cause = cause;
    return verdict(say::kRecipientOk);
  }
  auto base = mailbox.base.empty() ? config_.spool.path : mailbox.base;
  auto whole = base + "/" + mailbox.path;
  out_.place = {whole, facts.exists, facts.exists ? whole : base, facts.filesystem,
                facts.free_octets};
  if (facts.quota && !spool::Quotas::check(*facts.quota, 0).ok()) {
    bool permanent = facts.quota->certain && config_.quota.over == conf::QuotaOver::kBounce;
    return verdict({permanent ? say::kOverQuotaForGood : say::kOverQuota, {mailbox.address}});
  }
  verdict(say::kRecipientOk);
  look_for_scripts(destination);
  check_delivery(destination, spool);
}

void Explainer::look_for_scripts(delivery::Destination& destination) {
  if (!config_.sieve.enabled) return;
  auto is_missing = [](const Error& error) {
    return error.code == ENOENT || error.code == ENOTDIR;
  };
  auto add = [&](const std::string& path, const Result<sys::Fd>& file) {
    auto state = file                       ? std::string("runs")
                 : is_missing(file.error()) ? "missing"
                                            : "cannot be read: " + file.error().cause();
    out_.scripts.push_back({path, state});
    return file || !is_missing(file.error());
  };
  for (const auto& path : config_.sieve.before) add(path, files_.open_followed(path));
  auto own =
      recipients::personal_script(config_.sieve.script, destination.mailbox(), config_.spool.path);
  bool has_own = own && add(*own, destination.open_script(*own));
  const auto& fallback = config_.sieve.fallback;
  if (!has_own && !fallback.empty()) add(fallback, files_.open_followed(fallback));
  for (const auto& path : config_.sieve.after) add(path, files_.open_followed(path));
}

void Explainer::check_delivery(const delivery::Destination& destination, const sys::Fd& spool) {
  const auto& mailbox = destination.mailbox();
  auto space = files_.space(spool);
  if (space && !spool::has_room(space.value(),
                                {config_.spool.min_free, config_.spool.min_free_inodes}, {0, 1})) {
    return defer(say::kLowSpace, "the spool has less free space than spool.min-free");
  }
  if (!is_user_) return;
  auto staging = check_mailbox(files_, spool, ".handoff/staging");
  if (!staging) return defer(lmtp::reply_to(staging.error()), staging.error().describe());
  if (destination.may_hang()) return;  // the delivery process will inspect it
  auto base = mailbox.base.empty() ? sys::duplicate(spool) : sys::Fd();
  if (!base) {
    auto opened = files_.open_root(mailbox.base);
    if (!opened) return defer(lmtp::reply_to(opened.error()), opened.error().describe());
    base = std::move(opened).value();
  }
  auto writable = check_mailbox(files_, base, mailbox.path);
  if (!writable) defer(lmtp::reply_to(writable.error()), writable.error().describe());
}

}  // namespace

int explain(Invocation invocation) {
  bool json = invocation.take_flag("--json");
  if (invocation.arguments.empty()) throw conf::ConfigError("explain: no address given", EX_USAGE);
  auto address = invocation.arguments.front();
  invocation.arguments.erase(invocation.arguments.begin());
  invocation.expect_no_more();
  auto settings = conf::load_file(invocation.config_file, recipients::parse_lookup);
  auto explanation = Explainer(settings, address).run();
  std::cout << (json ? as_json(explanation) : as_text(explanation));
  return explanation.code < 400 ? EX_OK : explanation.code < 500 ? EX_TEMPFAIL : EX_NOUSER;
}

}  // namespace handoff::ctl
