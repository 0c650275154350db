// What a session works with. Made once in each worker, after privileges were dropped.
#pragma once

#include <memory>
#include <optional>

#include "base/result.hh"
#include "board/board.hh"
#include "conf/config.hh"
#include "lmtp/session.hh"
#include "recipients/chain.hh"
#include "recipients/resolver.hh"
#include "spool/spool.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/sasl.hh"
#include "sys/tls.hh"
#include "worker/mailboxes.hh"
#include "worker/reporter.hh"
#include "worker/site_commands.hh"

namespace handoff::worker {

// Nothing: there is no certificate, and no TLS.
using Tls = std::optional<sys::TlsContext>;

// How the configuration has the spool opened. `config` and `log` outlive the spool.
spool::SpoolOptions spool_options(const conf::Config& config, const sys::Log& log);

// What is read as whoever may read it, before privileges are dropped: once for all workers, and
// again at a reload.
struct Assets {
  Tls tls;
  recipients::Tables tables;    // those of recipients.lookup = file:
  recipients::Modules modules;  // those of recipients.lookup
};

// Reads certificate and key, the tables, and the modules, where they are configured; and has the
// libraries set themselves up, once for all workers.
Result<Assets> load_assets(const conf::Config& config);
// The same where the tables have been read.
Result<Assets> load_assets(const conf::Config& config, recipients::Tables tables);

class Services {
 public:
  // Opens the spool and the lookup, and starts SASL where AUTH is to be offered. `config`, `log`
  // and `files` outlive the object. `delivery`: the way to a delivery process, where there is one.
  // May block.
  static Result<std::unique_ptr<Services>> open(const conf::Config& config, const sys::Log& log,
                                                sys::Files& files, Assets assets = {},
                                                sys::Fd delivery = {});

  const conf::Config& config;
  const sys::Log& log;
  lmtp::SessionOptions session_options;
  spool::Spool spool;
  Mailboxes mailboxes;
  const Tls tls;
  const recipients::Tables tables;
  const recipients::Modules modules;
  Reporter reporter;
  QuotaWarner quota_warner;
  std::optional<sys::SaslServer> sasl;  // nothing: AUTH is not offered

  // Whether TLS comes before the greeting on connections to this port.
  bool is_tls_port(std::uint16_t port) const;

  // Sweeps the spool and logs what came of it; one that cannot be swept can still take mail.
  // Returns how many files were removed.
  unsigned sweep();

  recipients::Resolver& resolver() { return *resolver_; }

 private:
  Services(const conf::Config& config, const sys::Log& log, sys::Files& files, spool::Spool spool,
           Assets assets, std::optional<delivery::Client> client);

  std::unique_ptr<recipients::Chain> lookup_;
  std::optional<recipients::Resolver> resolver_;
};

}  // namespace handoff::worker
