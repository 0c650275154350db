#include "worker/services.hh"

#include <algorithm>
#include <utility>

#include "base/unicode.hh"
#include "delivery/writer_options.hh"
#include "filter/engine.hh"
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
  options.lenient_addresses = config.protocol.lenient_addresses;
  options.max_delivered_to = config.protocol.max_delivered_to;
  options.reject_bare_newlines = config.protocol.bare_newlines == conf::BareNewlines::kReject;
  options.max_transactions = config.workers.max_transactions;
  options.utf8 = knows_unicode();
  options.dsn = !config.dsn.command.empty();
  options.require_tls = config.tls.required;
  options.require_auth = config.auth.required;
  options.bare_local = !config.recipients.default_domain.empty();
  options.delivered_to = config.spool.delivered_to;
  options.separate_recipients = config.sieve.enabled;
  return options;
}

}  // namespace

spool::SpoolOptions spool_options(const conf::Config& config, const sys::Log& log) {
  return {.path = config.spool.path,
          .host = sys::host_name(),
          .writer = delivery::writer_options(config, log),
          .guard = config.duplicates.guard,
          .window = config.duplicates.window,
          .sync = config.spool.sync,
          .reserve = {config.spool.min_free, config.spool.min_free_inodes},
          .run = config.run_directory()};
}

sys::TlsOptions tls_options(const conf::Config& config) {
  return {.certificate = config.tls.certificate,
          .key = config.tls.key,
          .client_ca = config.tls.client_ca,
          .ciphers = config.tls.ciphers,
          .only_1_3 = config.tls.only_1_3};
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
    auto context = sys::TlsContext::load(tls_options(config));
    if (!context) return context.error();
    assets.tls = std::move(context).value();
  }
  auto modules = recipients::open_modules(config.recipients.lookups);
  if (!modules) return modules.error();
  assets.modules = std::move(modules).value();
  if (config.sieve.enabled) {
    auto engine = filter::open_engine();
    if (!engine) return config.locate("sieve.enabled", engine.error());
    engine.value()->prepare();
    assets.engine = engine.value();
  }
  return assets;
}

Services::Services(const conf::Config& config_, const sys::Log& log_, sys::Files& files_,
                   std::unique_ptr<spool::Spool> spool_, Assets assets,
                   std::optional<delivery::Client> client)
    : config(config_),
      log(log_),
      files(files_),
      session_options(session_options_of(config_)),
      spool(std::move(spool_)),
      destinations(config_, log_, files_, spool->root(), spool->writer().quotas(),
                   std::move(client)),
      tls(std::move(assets.tls)),
      tables(std::move(assets.tables)),
      modules(std::move(assets.modules)),
      reporter(config_, log_),
      quota_warner(config_, log_) {}

Result<std::unique_ptr<Services>> Services::open(const conf::Config& config, const sys::Log& log,
                                                 sys::Files& files, Assets assets,
                                                 Companions companions, Use use) {
  auto options = spool_options(config, log);
  options.visit = use == Use::kTry;
  auto spool = spool::Spool::open(files, std::move(options));
  if (!spool) return spool.error();
  std::optional<delivery::Client> client;
  if (companions.delivery) client.emplace(config, std::move(companions.delivery));
  std::unique_ptr<Services> services(new Services(config, log, files, std::move(spool).value(),
                                                  std::move(assets), std::move(client)));
  if (config.passes_on(recipients::name_hosts(services->tables))) {
    services->pool.emplace(proxy::options_of(config));
    services->session_options.proxy = true;
  }
  if (companions.filter) services->filter_process.emplace(std::move(companions.filter));
  auto& process = services->lookup_process_;
  if (companions.lookups) process.emplace(std::move(companions.lookups));
  recipients::LookupContext context{.files = files,
                                    .spool = services->spool->root(),
                                    .layout = config.spool.layout,
                                    .timeout = config.recipients.lookup_timeout,
                                    .tables = &services->tables,
                                    .modules = &services->modules,
                                    .process = process ? &*process : nullptr,
                                    .proxy = services->pool.has_value()};
  auto chain = recipients::Chain::make({config.recipients.lookups, config.recipients.cache_ttl,
                                        recipients::fold_whole(config.recipient_rules())},
                                       context);
  if (!chain) return chain.error();
  services->lookup_ = std::move(chain).value();
  services->session_options.rrvs = services->lookup_->knows_owners();
  services->resolver_.emplace(config.recipient_rules(), context, *services->lookup_);
  if (!config.auth.mechanisms.empty()) {
    auto sasl = sys::SaslServer::start({.service = config.auth.service,
                                        .hostname = config.hostname,
                                        .config_path = config.auth.sasl_path,
                                        .mechanisms = config.auth.mechanisms});
    if (!sasl) return sasl.error();
    services->sasl.emplace(std::move(sasl).value());
  }
  return services;
}

unsigned Services::sweep() {
  auto swept = spool->sweep();
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
