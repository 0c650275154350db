// What sessions need: created once in each worker, after it has dropped its privileges.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "base/result.hh"
#include "board/board.hh"
#include "conf/config.hh"
#include "delivery/destination.hh"
#include "filter/client.hh"
#include "lmtp/session.hh"
#include "proxy/pool.hh"
#include "recipients/chain.hh"
#include "recipients/lookup_process.hh"
#include "recipients/resolver.hh"
#include "sieve/engine.hh"
#include "spool/spool.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/sasl.hh"
#include "sys/tls.hh"
#include "worker/site_commands.hh"

namespace handoff::worker {

// Nothing: no certificate is configured, so TLS is not offered.
using Tls = std::optional<sys::TlsContext>;

// Returns the options for opening the spool, according to the configuration. `config` and `log`
// must outlive the spool.
spool::SpoolOptions spool_options(const conf::Config& config, const sys::Log& log);

// Requires that a certificate is configured.
sys::TlsOptions tls_options(const conf::Config& config);

// Loaded before privileges are dropped, because workers may not be allowed to read the files: once
// for all workers, and again at each reload.
struct Assets {
  Tls tls;
  recipients::Tables tables;    // for recipients.lookup = file:
  recipients::Modules modules;  // for recipients.lookup
  // For filter processes, which are forks of the process that opens it; null: sieve.enabled = no.
  const sieve::Engine* engine = nullptr;
};

// Reads certificate and key, tables and modules as configured, and initialises libraries, once for
// all workers.
Result<Assets> load_assets(const conf::Config& config);
// The same, with tables that are already loaded.
Result<Assets> load_assets(const conf::Config& config, recipients::Tables tables);

// The sockets to the processes beside a worker. If one is not open, there is no such process.
struct Companions {
  sys::Fd delivery;  // delivery/agent.hh
  sys::Fd lookups;   // lookups.hh
  sys::Fd filter;    // filters.hh

  // All of them, also those that the worker does not need and that are not open.
  std::array<sys::Fd*, 3> sockets() { return {&delivery, &lookups, &filter}; }
};

// Whether messages will be delivered, or the services are only tested.
enum class Use { kDeliver, kTry };

class Services {
 public:
  // Opens the spool and the lookups, and starts SASL if AUTH is configured. `config`, `log` and
  // `files` must outlive the object. Without a lookup process, this process queries servers itself.
  // May block.
  static Result<std::unique_ptr<Services>> open(const conf::Config& config, const sys::Log& log,
                                                sys::Files& files, Assets assets = {},
                                                Companions companions = {},
                                                Use use = Use::kDeliver);

  const conf::Config& config;
  const sys::Log& log;
  sys::Files& files;
  lmtp::SessionOptions session_options;
  const std::unique_ptr<spool::Spool> spool;
  delivery::Destinations destinations;
  const Tls tls;
  const recipients::Tables tables;
  const recipients::Modules modules;
  std::optional<proxy::Pool> pool;  // nothing: no mail is passed on to other hosts
  Reporter reporter;
  QuotaWarner quota_warner;
  std::optional<sys::SaslServer> sasl;  // nothing: AUTH is not offered
  std::optional<filter::Client> filter_process;

  // Returns whether connections to this port start with TLS, before the greeting.
  bool is_tls_port(std::uint16_t port) const;

  // Sweeps staging and logs the result. A failure is only logged, because the spool can still
  // accept mail. Returns the number of files removed.
  unsigned sweep();

  recipients::Resolver& resolver() { return *resolver_; }
  // Returns whether the delivery, lookup or filter process has ended. Recipients that need it are
  // deferred until another worker has replaced this one.
  bool is_broken() const {
    return destinations.is_broken() || (lookup_process_ && lookup_process_->is_broken()) ||
           (filter_process && filter_process->is_broken());
  }

 private:
  Services(const conf::Config& config, const sys::Log& log, sys::Files& files,
           std::unique_ptr<spool::Spool> spool, Assets assets,
           std::optional<delivery::Client> client);

  std::optional<recipients::LookupClient> lookup_process_;
  std::unique_ptr<recipients::Chain> lookup_;
  std::optional<recipients::Resolver> resolver_;
};

}  // namespace handoff::worker
