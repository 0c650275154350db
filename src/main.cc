// handoffd: argv -> Config -> the master, a session on standard input, or a check.
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "conf/command_line.hh"
#include "conf/error.hh"
#include "conf/load.hh"
#include "master/master.hh"
#include "sys/account.hh"
#include "sys/daemon.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "worker/services.hh"
#include "worker/stdin_session.hh"
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
  struct stat in;
  struct stat err;
  return ::fstat(STDIN_FILENO, &in) == 0 && ::fstat(STDERR_FILENO, &err) == 0 &&
         S_ISSOCK(err.st_mode) && in.st_dev == err.st_dev && in.st_ino == err.st_ino;
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

// The configuration was read; what it names is looked at as the user that delivers.
int check(const conf::Config& config) {
  auto tls = worker::load_tls(config);
  if (!tls) return fail(tls.error(), EX_CONFIG);
  if (auto dropped = worker::drop_privileges(config); !dropped) {
    return fail(dropped.error(), EX_CONFIG);
  }
  sys::Log log(sys::LogFormat::kText, sys::Level::kError);
  sys::PosixFiles files;
  auto services = worker::Services::open(config, log, files, std::move(tls).value());
  if (!services) return fail(services.error(), EX_CONFIG);
  if (auto probed = services.value()->spool.begin(false); !probed) {
    return fail(probed.error(), EX_CONFIG);
  }
  std::cout << "handoffd: configuration and spool " << config.spool.path << " are in order\n";
  return EX_OK;
}

int serve(const conf::Config& config, bool foreground) {
  // Said before anything is bound or forked, where the person who typed can read it.
  if (sys::is_root() && config.user.empty()) {
    return fail({EPERM, "root does not deliver mail: set user = NAME in the configuration", {}},
                EX_CONFIG);
  }
  auto tls = worker::load_tls(config);
  if (!tls) return fail(tls.error(), EX_CONFIG);
  std::optional<sys::Background> background;
  if (!foreground) {
    auto entered = sys::Background::enter();
    if (!entered) return fail(entered.error(), EX_OSERR);
    background.emplace(std::move(entered).value());
  }
  std::optional<sys::PidFile> pid_file;
  if (!config.pid_file.empty()) {
    auto created = sys::PidFile::create(config.pid_file);
    if (!created) return fail(created.error(), EX_CANTCREAT);
    pid_file.emplace(std::move(created).value());
  }
  auto log = open_log(config);
  return master::run(
      config, log,
      [&](const board::Inheritance& inherited) {
        return worker::run(config, log, tls.value(), inherited, [&] {
          if (background) background->detach();
        });
      },
      [&] {
        if (background) background->ready();
      });
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
  return parts.empty() ? " none" : parts;
}

int run(const std::vector<std::string>& arguments) {
  auto line = conf::parse_command_line(arguments);
  switch (line.action) {
    case Action::kHelp:
      std::cout << conf::help_text();
      return EX_OK;
    case Action::kVersion:
      std::cout << PACKAGE_NAME << " " << PACKAGE_VERSION << "\noptional parts:" << optional_parts()
                << "\n";
      return EX_OK;
    default:
      break;
  }
  auto settings = conf::load(line);
  switch (line.action) {
    case Action::kDump:
      std::cout << conf::dump(settings);
      return EX_OK;
    case Action::kCheck:
      return check(settings.config);
    case Action::kStdin:
      return worker::run_stdin(settings.config, open_log(settings.config));
    default:
      return serve(settings.config, line.foreground);
  }
}

}  // namespace
}  // namespace handoff

int main(int argc, char** argv) {
  try {
    return handoff::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const handoff::conf::ConfigError& error) {
    handoff::complain(error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    handoff::complain(error.what());
    return EX_SOFTWARE;
  }
}
