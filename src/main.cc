// handoffd: argv -> Config -> the master, a session on standard input, or a check.
#include <sysexits.h>
#include <syslog.h>

#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conf/command_line.hh"
#include "conf/error.hh"
#include "conf/load.hh"
#include "ctl/report.hh"
#include "ctl/start_check.hh"
#include "delivery/agent.hh"
#include "master/master.hh"
#include "recipients/resolver.hh"
#include "recipients/table.hh"
#include "sys/account.hh"
#include "sys/activation.hh"
#include "sys/daemon.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/process.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "worker/stdin_session.hh"
#include "worker/sweeping.hh"
#include "worker/trial.hh"
#include "worker/worker.hh"

namespace handoff {
namespace {

using Action = conf::CommandLine::Action;

sys::LogFormat format_of(const conf::Config& config) {
  return config.log.format == conf::LogFormat::kJson ? sys::LogFormat::kJson
                                                     : sys::LogFormat::kText;
}

sys::Level level_of(const conf::Config& config) {
  switch (config.log.level) {
    case conf::LogLevel::kError:
      return sys::Level::kError;
    case conf::LogLevel::kWarning:
      return sys::Level::kWarning;
    case conf::LogLevel::kInfo:
      return sys::Level::kInfo;
    case conf::LogLevel::kDebug:
      break;
  }
  return sys::Level::kDebug;
}

// inetd hands the connection over as standard error too: what is written there is read by the peer.
bool stderr_is_the_connection() {
  return sys::is_same_socket(sys::kStandardInput, sys::kStandardError);
}

sys::Log open_log(const conf::Config& config) {
  bool to_stderr = config.log.to == conf::LogTo::kStderr && !stderr_is_the_connection();
  if (to_stderr) return {format_of(config), level_of(config)};
  return {format_of(config), level_of(config), sys::syslog_facility(config.log.facility)};
}

void complain(const std::string& what) {
  if (stderr_is_the_connection()) {
    ::syslog(LOG_MAIL | LOG_ERR, "handoffd: %s", what.c_str());
  } else {
    std::cerr << "handoffd: " << what << "\n";
  }
}

int fail(const Error& error, int exit_code) {
  complain(error.describe());
  return exit_code;
}

// The configuration was read; what it names is looked at, the spool as the user that delivers.
int check(const conf::Config& config) {
  sys::PosixFiles files;
  ctl::Report report(std::cerr, ctl::Paint::on(sys::kStandardError), ctl::Report::Says::kFaults);
  // Before the trial becomes the user, who need not see where the sockets are.
  ctl::check_reach(files, config, report);
  ctl::check_owners(config, sys::is_root(), report);
  sys::Log log(sys::LogFormat::kText, sys::Level::kError);
  if (auto tried = worker::try_out(config, log); !tried) {
    complain(tried.error().describe());
    ctl::check_untried_spool(files, config, report);
    return EX_CONFIG;
  }
  ctl::check_tried_spool(files, config, report);
  if (report.problems() != 0) return EX_CONFIG;
  std::cout << "handoffd: configuration and spool " << config.spool.path << " are in order\n";
  return EX_OK;
}

// The program that runs wants to know whether we could take its place. What we say is what it says.
int prove(const conf::Config& config, const master::Handover& handover) {
  sys::default_signals();
  sys::Log log(sys::LogFormat::kText, sys::Level::kError);
  if (auto bound = master::try_to_listen(config, handover); !bound) {
    return fail(bound.error(), EX_UNAVAILABLE);
  }
  if (auto tried = worker::try_out(config, log); !tried) return fail(tried.error(), EX_CONFIG);
  return EX_OK;
}

int serve(conf::CommandLine line, const std::vector<std::string>& command) {
  master::Origin origin;
  origin.handover = master::Handover::unpack(sys::take_variable(master::kHandoverVariable));
  // A reload reads the file again, from "/".
  if (!line.config_file.empty()) {
    line.config_file = std::filesystem::absolute(line.config_file).string();
  }
  auto settings = conf::load(line);
  const auto& config = settings.config;
  // Said before anything is bound or forked, where the person who typed can read it.
  if (sys::is_root() && config.user.empty()) {
    return fail({EPERM, "root does not deliver mail: set user = NAME in the configuration", {}},
                EX_CONFIG);
  }
  if (origin.handover && origin.handover->trial) return prove(config, *origin.handover);
  auto assets = worker::load_assets(config);
  if (!assets) return fail(assets.error(), EX_CONFIG);
  if (!origin.handover) {
    auto activated = sys::activated_sockets();
    if (activated && activated.value().empty()) activated = sys::inetd_socket();
    if (!activated) return fail(activated.error(), EX_UNAVAILABLE);
    origin.activated = std::move(activated).value();
  }
  std::optional<sys::Background> background;
  // Who activates us watches over this very process; the image before us is in the background, or
  // not, already.
  if (!line.foreground && !origin.handover && origin.activated.empty()) {
    auto entered = sys::Background::enter();
    if (!entered) return fail(entered.error(), EX_OSERR);
    background.emplace(std::move(entered).value());
  }
  sys::Log quiet(sys::LogFormat::kText, sys::Level::kError);
  master::Wiring wiring;
  wiring.load = [&] { return conf::load(line); };
  wiring.open_log = open_log;
  wiring.worker = [&](const conf::Config& running, const sys::Log& log,
                      const board::Inheritance& inherited) {
    return worker::run(running, log, assets.value(), inherited, [&] {
      if (background) background->detach();
    });
  };
  wiring.wants_delivery = delivery::is_needed;
  wiring.delivery = [&](const conf::Config& running, const sys::Log& log, const sys::Fd& socket) {
    if (background) background->detach();
    // Whatever a hostile home may find in the memory of a process of its owner's: not the key.
    assets.value().tls.reset();
    return delivery::serve(running, log, assets.value().tables, socket);
  };
  recipients::TableImages images;  // of the configuration that is being tried
  wiring.prepare = [&](const conf::Config& wanted) -> Status {
    auto blank = recipients::blank_images(wanted.recipients.lookups);
    if (!blank) return blank.error();
    images = std::move(blank).value();
    return {};
  };
  wiring.check = [&](const conf::Config& wanted) { return worker::try_out(wanted, quiet, images); };
  wiring.adopt = [&](const conf::Config& wanted) -> Status {
    auto tables = recipients::open_tables(std::exchange(images, {}));
    if (!tables) return tables.error();
    auto loaded = worker::load_assets(wanted, std::move(tables).value());
    if (!loaded) return loaded.error();
    assets = std::move(loaded);
    return {};
  };
  wiring.probe = [&](const conf::Config& running, const std::vector<Endpoint>& endpoints) {
    return worker::probe(running, endpoints, quiet, assets.value());
  };
  wiring.sweep = worker::sweep_spool;
  wiring.on_ready = [&] {
    if (background) background->ready();
  };
  wiring.command = command;
  wiring.version = PACKAGE_VERSION;
  return master::run(std::move(settings), wiring, std::move(origin));
}

// Those of configure.ac that this build has.
std::string optional_parts() {
  std::string parts;
#ifdef HAVE_OPENSSL
  parts += " openssl";
#endif
#ifdef HAVE_SASL
  parts += " sasl";
#endif
#ifdef HAVE_IDN
  parts += " idn";
#endif
#ifdef HAVE_CDB
  parts += " cdb";
#endif
#ifdef HAVE_SQLITE
  parts += " sqlite";
#endif
#ifdef HAVE_POSTGRESQL
  parts += " postgresql";
#endif
#ifdef HAVE_MYSQL
  parts += " mysql";
#endif
#ifdef HAVE_LDAP
  parts += " ldap";
#endif
  return parts.empty() ? " none" : parts;
}

int serve_stdin(const conf::Config& config) {
  auto log = open_log(config);
  sys::Fd way;
  if (delivery::is_needed(config)) {
    // Tables are read again by the session itself: here they are what the delivery process goes by.
    auto tables = recipients::load_tables(config.recipients.lookups,
                                          recipients::fold_whole(config.recipient_rules()));
    if (!tables) return fail(tables.error(), EX_TEMPFAIL);
    auto started = delivery::start(config, log, tables.value());
    if (!started) return fail(started.error(), EX_TEMPFAIL);
    way = std::move(started).value();
  }
  return worker::run_stdin(config, log, std::move(way));
}

int run(const std::string& program, const std::vector<std::string>& arguments) {
  auto line = conf::parse_command_line(arguments);
  switch (line.action) {
    case Action::kHelp:
      std::cout << conf::help_text();
      return EX_OK;
    case Action::kVersion:
      std::cout << PACKAGE_NAME << " " << PACKAGE_VERSION << "\noptional parts:" << optional_parts()
                << "\n";
      return EX_OK;
    case Action::kDump:
      std::cout << conf::dump(conf::load(line));
      return EX_OK;
    case Action::kCheck:
      return check(conf::load(line).config);
    case Action::kStdin: {
      return serve_stdin(conf::load(line).config);
    }
    default:
      break;
  }
  std::vector<std::string> command{sys::program_path(program)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return serve(line, command);
}

}  // namespace
}  // namespace handoff

int main(int argc, char** argv) {
  try {
    return handoff::run(argv[0], std::vector<std::string>(argv + 1, argv + argc));
  } catch (const handoff::conf::ConfigError& error) {
    handoff::complain(error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    handoff::complain(error.what());
    return EX_SOFTWARE;
  }
}
