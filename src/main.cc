// handoffd: argv -> Config -> the master, a session on standard input, or a check.
#include <sysexits.h>
#include <syslog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.hh"
#include "conf/assignment.hh"
#include "conf/command_line.hh"
#include "conf/copy.hh"
#include "conf/load.hh"
#include "ctl/checks.hh"
#include "delivery/agent.hh"
#include "master/birth.hh"
#include "master/master.hh"
#include "recipients/kinds.hh"
#include "recipients/resolver.hh"
#include "recipients/table.hh"
#include "sys/account.hh"
#include "sys/activation.hh"
#include "sys/confinement.hh"
#include "sys/daemon.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/process.hh"
#include "sys/sandbox.hh"
#include "sys/secrets.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/title.hh"
#include "worker/filters.hh"
#include "worker/lookups.hh"
#include "worker/stdin_session.hh"
#include "worker/trial.hh"
#include "worker/worker.hh"

namespace handoff {
namespace {

using Action = conf::CommandLine::Action;

// The maximum number of descriptors that a process has open, in addition to listeners.
constexpr std::size_t kDescriptors = 32;

// inetd passes the connection as standard error too, so the peer would read what is written there.
bool stderr_is_the_connection() {
  return sys::is_same_socket(sys::kStandardInput, sys::kStandardError);
}

sys::Log open_log(const conf::Config& config) {
  bool to_stderr = config.log.to == conf::LogTo::kStderr && !stderr_is_the_connection();
  if (to_stderr) return {config.log.format, config.log.level};
  return {config.log.format, config.log.level, sys::syslog_facility(config.log.facility)};
}

void complain(const std::string& what) {
  if (stderr_is_the_connection()) {
    ::syslog(LOG_MAIL | LOG_ERR, "handoffd: %s", what.c_str());
  } else {
    std::cerr << "handoffd: " << printable(what, true) << "\n";
  }
}

int fail(const Error& error, int exit_code) {
  complain(error.describe());
  return exit_code;
}

// Returns why the limit on descriptors is too low; empty if it is not. Without this check,
// whichever library first runs out of descriptors would fail later.
std::string descriptors_missing(const conf::Config& config) {
  auto limit = sys::descriptor_limit();
  auto needed = kDescriptors + config.listen.size();
  if (limit >= needed) return {};
  return "only " + std::to_string(limit) + " open files are allowed, and handoffd needs " +
         std::to_string(needed) + ": raise the limit (ulimit -n, LimitNOFILE= of systemd)";
}

// Returns whether a lookup contains a password: "password=...", "bindpw=...",
// "//user:password@host".
bool has_password(const LookupSetting& setting) {
  std::string_view lookup = setting.argument;
  auto at = lookup.find('@');
  auto user = lookup.find("//");
  return lookup.find("password=") != lookup.npos || lookup.find("bindpw=") != lookup.npos ||
         (user != lookup.npos && at != lookup.npos && at > user &&
          lookup.substr(user, at - user).find(':') != lookup.npos);
}

void check_secrets(const conf::CommandLine& line, const conf::Config& config, ctl::Report& report) {
  if (!std::ranges::any_of(config.recipients.lookups, has_password)) return;
  std::string file = line.config_file.empty() ? SYSCONFDIR "/handoffd.conf" : line.config_file;
  std::error_code failure;
  auto mode = std::filesystem::status(file, failure).permissions();
  if (failure || (mode & std::filesystem::perms::others_read) == std::filesystem::perms::none) {
    return;
  }
  report.warning(file + " contains the password of a lookup, and everybody can read it",
                 "chmod o-r " + file);
}

// Checks the files and sockets that the configuration names; the spool as the user that delivers.
int check(const conf::CommandLine& line) {
  auto settings = conf::load(line, recipients::parse_lookup);
  const auto& config = settings.config;
  sys::Files files;
  ctl::Report report(std::cerr, ctl::Colours::on(sys::kStandardError),
                     ctl::Report::Verbosity::kFaults);
  if (auto missing = descriptors_missing(config); !missing.empty()) {
    complain(missing);
    return EX_OSERR;
  }
  // These checks come first, as the user that starts handoffd: the trial then becomes the user that
  // delivers.
  ctl::check_binding(files, config, report);
  ctl::check_reach(files, config, report);
  ctl::check_owners(config, sys::is_root(), report);
  check_secrets(line, config, report);
  ctl::LookupCheck lookups(config);
  sys::Log log(sys::LogFormat::kText, sys::Level::kError);
  if (auto tried = worker::try_out(config, log); !tried) {
    if (tried.error().reason == Reason::kSpoolInUse && !config.cluster.empty()) {
      std::cout << "handoffd: " << tried.error().describe() << "; this host would wait\n";
      return report.problems() == 0 ? EX_OK : EX_CONFIG;
    }
    // If the spool is the cause, this says how to fix it.
    std::optional<sys::Account> user;
    if (ctl::become_user(config, user, report)) ctl::check_spool(files, config, user, report);
    return fail(tried.error(), EX_CONFIG);
  }
  ctl::check_tried_spool(files, config, report);
  // A lookup server that is down now may be up when mail arrives, so this does not prevent a start.
  lookups.run(files, report, false);
  if (report.problems() != 0) return EX_CONFIG;
  std::cout << "handoffd: configuration and spool " << config.spool.path << " are in order\n";
  if (auto root = files.open_root(config.spool.path)) {
    auto device = sys::device_of(root.value());
    std::cout << "handoffd: on " << (device.filesystem.empty() ? "this" : device.filesystem) << ", "
              << sys::promise_of(device) << "\n";
  }
  return EX_OK;
}

// The running program asks whether we could replace it. It reports what we write to standard error.
int prove(const conf::Config& config, const master::Handover& handover) {
  sys::default_signals();
  sys::Log log(sys::LogFormat::kText, sys::Level::kError);
  if (auto bound = master::try_to_listen(config, handover); !bound) {
    return fail(bound.error(), EX_UNAVAILABLE);
  }
  if (auto tried = worker::try_out(config, log); !tried) return fail(tried.error(), EX_CONFIG);
  return EX_OK;
}

int serve(conf::CommandLine line, std::vector<std::string> command) {
  master::Start start;
  start.handover = master::Handover::unpack(sys::take_variable(master::kHandoverVariable));
  // A reload reads the file again, when the working directory is "/".
  if (!line.config_file.empty()) {
    line.config_file = std::filesystem::absolute(line.config_file).string();
  }
  start.settings = conf::load(line, recipients::parse_lookup);
  const auto& config = start.settings.config;
  // Reported before anything is bound or forked, so that the person at the terminal can read it.
  if (sys::is_root() && config.user.empty()) {
    return fail(
        explained(EPERM, "root does not deliver mail: set user = NAME in the configuration"),
        EX_CONFIG);
  }
  if (start.handover && start.handover->trial) return prove(config, *start.handover);
  if (auto missing = descriptors_missing(config); !missing.empty()) {
    complain(missing);
    return EX_OSERR;
  }
  auto assets = worker::load_assets(config);
  if (!assets) return fail(assets.error(), EX_CONFIG);
  if (!start.handover) {
    auto activated = sys::activated_sockets();
    if (activated && activated.value().empty()) activated = sys::inetd_socket();
    if (!activated) return fail(activated.error(), EX_UNAVAILABLE);
    start.activated = std::move(activated).value();
  }
  // A service manager that activated us watches this process, so stay in the foreground. An upgrade
  // does not change the process either.
  if (!line.foreground && !start.handover && start.activated.empty()) {
    auto entered = sys::Background::enter();
    if (!entered) return fail(entered.error(), EX_OSERR);
    start.background.emplace(std::move(entered).value());
  }
  for (const auto& missing : sys::missing_confinement()) {
    open_log(config).warning("processes are not fully confined", {{"cause", missing}});
  }
  start.line = std::move(line);
  start.program = sys::open_program(command.front());
  start.command = std::move(command);
  start.open_log = open_log;
  start.echo_errors = !start.handover && !stderr_is_the_connection();
  return master::run(std::move(start), std::move(assets).value());
}

// Returns the optional parts of configure.ac that this build contains.
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
#ifdef HAVE_SYNC_FILE_RANGE
  parts += " linux-extras";
#endif
  return parts.empty() ? " none" : parts;
}

int serve_stdin(conf::Settings settings) {
  const auto& config = settings.config;
  auto log = open_log(config);
  worker::Companions companions;
  if (worker::needs_lookup_process(config)) {
    auto started = worker::start_lookups(config, log);
    if (!started) return fail(started.error(), EX_TEMPFAIL);
    companions.lookups = std::move(started).value();
  }
  // Neither the session nor the other processes need them.
  conf::forget_secrets(settings);
  sys::erase_database_variables();
  sys::set_title("session");  // overwrites the environment that the program was started with
  sys::erase_freed_memory(false);
  if (delivery::is_needed(config)) {
    // The session reads its tables itself; these are for the delivery process.
    auto tables = recipients::load_tables(config.recipients.lookups,
                                          recipients::fold_whole(config.recipient_rules()));
    if (!tables) return fail(tables.error(), EX_TEMPFAIL);
    auto started = delivery::start(config, log, tables.value());
    if (!started) return fail(started.error(), EX_TEMPFAIL);
    companions.delivery = std::move(started).value();
  }
  if (worker::needs_filter_process(config)) {
    auto started = worker::start_filter(config, log);
    if (!started) return fail(started.error(), EX_TEMPFAIL);
    companions.filter = std::move(started).value();
  }
  return worker::run_stdin(config, log, std::move(companions));
}

// Keeps no copy of the arguments, which may contain passwords.
int run(const std::string& program, std::vector<std::string> arguments) {
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
      std::cout << conf::dump(conf::load(line, recipients::parse_lookup), line.dump);
      return EX_OK;
    case Action::kCheck:
      return check(line);
    case Action::kStdin: {
      auto settings = conf::load(line, recipients::parse_lookup);
      conf::forget_secrets(line.options);
      for (auto& argument : arguments) sys::erase(argument);
      return serve_stdin(std::move(settings));
    }
    default:
      break;
  }
  std::vector<std::string> command{sys::program_path(program)};
  command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                 std::make_move_iterator(arguments.end()));
  arguments.clear();
  return serve(std::move(line), std::move(command));
}

}  // namespace
}  // namespace handoff

int main(int argc, char** argv) {
  handoff::sys::make_room_for_title(argc, argv);
  handoff::sys::hide_memory();
  handoff::sys::erase_freed_memory(true);  // the configuration may contain passwords
  // At an upgrade and at the start of a worker, the caller has closed what the program does not
  // need.
  if (::getenv(handoff::master::kHandoverVariable) == nullptr &&
      ::getenv(handoff::master::kBirthVariable) == nullptr) {
    handoff::sys::close_inherited(handoff::sys::after_announced_descriptors());
  }
  try {
    auto birth = handoff::sys::take_variable(handoff::master::kBirthVariable);
    if (!birth.empty()) {
      handoff::sys::erase_freed_memory(false);  // the master passes none on
      handoff::sys::set_process_name("handoffd");
      return handoff::master::run_executed(birth, handoff::open_log);
    }
    return handoff::run(argv[0], std::vector<std::string>(argv + 1, argv + argc));
  } catch (const handoff::conf::ConfigError& error) {
    handoff::complain(error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    handoff::complain(error.what());
    return EX_SOFTWARE;
  }
}
