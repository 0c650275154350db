#include "worker/services.hh"

#include <algorithm>
#include <utility>

#include "base/unicode.hh"
#include "delivery/create_command.hh"
#include "sys/digest.hh"
#include "sys/process.hh"

namespace handoff::worker {
namespace {

lmtp::SessionOptions session_options_of(const conf::Config& config) {
  lmtp::SessionOptions options;
  options.hostname = config.hostname;
  options.max_message_size = config.session.max_message_size;
  options.max_recipients = config.session.max_recipients;
  options.max_errors = config.session.max_errors;
  options.lenient_newlines = config.protocol.lenient_newlines;
  options.reject_bare_newlines = config.protocol.bare_newlines == conf::BareNewlines::kReject;
  options.max_transactions = config.workers.max_transactions;
  options.utf8 = knows_unicode();
  options.dsn = !config.dsn.command.empty();
  options.require_tls = config.tls.required;
  options.require_auth = config.auth.required;
  options.bare_local = !config.recipients.default_domain.empty();
  switch (config.spool.delivered_to) {
    case conf::DeliveredTo::kAuto:
      options.delivered_to = lmtp::DeliveredTo::kAuto;
      break;
    case conf::DeliveredTo::kAlways:
      options.delivered_to = lmtp::DeliveredTo::kAlways;
      break;
    case conf::DeliveredTo::kNever:
      options.delivered_to = lmtp::DeliveredTo::kNever;
      break;
  }
  return options;
}

}  // namespace

spool::SpoolOptions spool_options(const conf::Config& config, const sys::Log& log) {
  spool::SpoolOptions options{config.spool.path,
                              sys::host_name(),
                              config.spool.newline == conf::Newline::kCrlf,
                              config.duplicates.guard,
                              config.duplicates.window,
                              config.spool.sync == conf::Sync::kPlain};
  options.reserve = {config.spool.min_free, config.spool.min_free_inodes};
  options.quota = {config.quota.size, config.quota.messages};
  if (!config.spool.create_command.empty()) {
    options.create = [&config, &log](const Mailbox& mailbox) {
      return delivery::create_mailbox(config, log, mailbox);
    };
  }
  return options;
}

Result<Assets> load_assets(const conf::Config& config) {
  auto tables = recipients::load_tables(config.recipients.lookups,
                                        recipients::fold_whole(config.recipient_rules()));
  if (!tables) return tables.error();
  return load_assets(config, std::move(tables).value());
}

Result<Assets> load_assets(const conf::Config& config, recipients::Tables tables) {
  Assets assets;
  assets.tables = std::move(tables);
  if (!config.tls.certificate.empty()) {
    auto context =
        sys::TlsContext::load({config.tls.certificate, config.tls.key, config.tls.client_ca,
                               config.tls.ciphers, config.tls.only_1_3});
    if (!context) return context.error();
    assets.tls = std::move(context).value();
  }
  auto modules = recipients::open_modules(config.recipients.lookups);
  if (!modules) return modules.error();
  assets.modules = std::move(modules).value();
  // libcrypto sets itself up at the first digest, in two megabytes that its workers then share.
  static_cast<void>(sys::sha256({}));
  return assets;
}

Services::Services(const conf::Config& config_, const sys::Log& log_, sys::Files& files,
                   spool::Spool spool_, Assets assets, std::optional<delivery::Client> client)
    : config(config_),
      log(log_),
      session_options(session_options_of(config_)),
      spool(std::move(spool_)),
      mailboxes(config_, log_, files, spool, std::move(client)),
      tls(std::move(assets.tls)),
      tables(std::move(assets.tables)),
      modules(std::move(assets.modules)),
      reporter(config_, log_),
      quota_warner(config_, log_) {}

Result<std::unique_ptr<Services>> Services::open(const conf::Config& config, const sys::Log& log,
                                                 sys::Files& files, Assets assets,
                                                 sys::Fd delivery) {
  auto spool = spool::Spool::open(files, spool_options(config, log));
  if (!spool) return spool.error();
  std::optional<delivery::Client> client;
  if (delivery) client.emplace(config, std::move(delivery));
  std::unique_ptr<Services> services(new Services(config, log, files, std::move(spool).value(),
                                                  std::move(assets), std::move(client)));
  recipients::Ground ground{files,
                            services->spool.root(),
                            config.spool.layout,
                            config.recipients.lookup_timeout,
                            &services->tables,
                            &services->modules};
  auto chain = recipients::Chain::make({config.recipients.lookups, config.recipients.cache_ttl,
                                        recipients::fold_whole(config.recipient_rules())},
                                       ground);
  if (!chain) return chain.error();
  services->lookup_ = std::move(chain).value();
  services->session_options.rrvs = services->lookup_->knows_owners();
  services->resolver_.emplace(config.recipient_rules(), ground, *services->lookup_);
  if (!config.auth.mechanisms.empty()) {
    auto sasl = sys::SaslServer::start(
        {config.auth.service, config.hostname, config.auth.sasl_path, config.auth.mechanisms});
    if (!sasl) return sasl.error();
    services->sasl.emplace(std::move(sasl).value());
  }
  return services;
}

unsigned Services::sweep() {
  auto swept = spool.sweep();
  if (!swept) {
    log.warning("cannot sweep", {{"cause", swept.error().describe()}});
  } else if (swept.value().removed > 0) {
    log.info("swept", {{"removed", swept.value().removed}, {"kept", swept.value().kept}});
  }
  return swept ? swept.value().removed : 0;
}

bool Services::is_tls_port(std::uint16_t port) const {
  return std::ranges::any_of(config.listen, [&](const Endpoint& endpoint) {
    return endpoint.tls && endpoint.port == port;
  });
}

}  // namespace handoff::worker
