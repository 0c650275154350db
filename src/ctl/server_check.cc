// Checks the findings of the running server, and the lookups.
#include <algorithm>
#include <utility>

#include "base/text.hh"
#include "ctl/checks.hh"
#include "ctl/control_client.hh"
#include "recipients/probe.hh"
#include "recipients/resolver.hh"

namespace handoff::ctl {
namespace {

constexpr std::chrono::seconds kHealthLimit{15};
constexpr std::chrono::milliseconds kLookupLimit{3000};
constexpr std::string_view kNotDelivering = "not delivering: ";
constexpr std::string_view kDegraded = "degraded: ";

std::string fix_for(std::string_view finding) {
  struct Row {
    std::string_view subject;
    std::string_view fix;
  };
  static constexpr Row kRows[] = {
      {"lookup ",
       "start or repair the server or database that recipients.lookup names, or correct "
       "it; handoffctl explain shows what it answers"},
      {"backend ",
       "start handoffd or repair the network there; handoffctl explain shows what it answers"},
      {"spool", "mount and repair the filesystem of spool.path, and let user write to it"},
      {"room", "free space: mail is deferred until then"},
      {"staging", "let user write to SPOOL/.handoff/staging; check the disk and quota"},
      {"listener", "read the server's log; restart handoffd if its socket file is gone"},
      {"workers: all", "handoffctl status shows what they wait for; raise workers.max"},
      {"workers", "the log says how they died; report a crash"},
      {"delivery processes", "the log says how they died; report a crash"},
  };
  for (const auto& row : kRows) {
    if (finding.starts_with(row.subject)) return std::string(row.fix);
  }
  return "read the server's log";
}

}  // namespace

bool check_server(const conf::Config& config, Report& report) {
  auto answer = ask_master(config.control_socket, "GET", "/health", kHealthLimit);
  if (!answer || (answer.value().code != 200 && answer.value().code != 503)) return false;
  for (std::string_view line : split(answer.value().body, '\n')) {
    if (line.empty()) continue;
    if (line == "ok") {
      report.ok("server: serving");
    } else if (line.starts_with(kNotDelivering)) {
      report.problem("server: " + std::string(line), fix_for(line.substr(kNotDelivering.size())));
    } else if (line.starts_with(kDegraded)) {
      report.problem("server: " + std::string(line), fix_for(line.substr(kDegraded.size())));
    } else {
      report.note("server: " + std::string(line), "read the server's log");
    }
  }
  return true;
}

LookupCheck::LookupCheck(const conf::Config& config) : config_(config) {
  auto tables = recipients::load_tables(config.recipients.lookups,
                                        recipients::fold_whole(config.recipient_rules()));
  auto modules = recipients::open_modules(config.recipients.lookups);
  if (!tables || !modules) {
    error_ = tables ? modules.error() : tables.error();
    return;
  }
  tables_ = std::move(tables).value();
  modules_ = std::move(modules).value();
}

void LookupCheck::run(sys::Files& files, Report& report, bool severe) {
  auto fault = [&](const std::string& what, const std::string& fix) {
    severe ? report.problem(what, fix) : report.warning(what, fix);
  };
  if (error_) return fault("lookup: " + error_->describe(), fix_for("lookup "));
  auto spool = files.open_root(config_.spool.path);
  if (!spool) return;  // check_spool() has reported it
  recipients::LookupContext context{.files = files,
                                    .spool = spool.value(),
                                    .layout = config_.spool.layout,
                                    .timeout = std::min<std::chrono::milliseconds>(
                                        kLookupLimit, config_.recipients.lookup_timeout),
                                    .tables = &tables_,
                                    .modules = &modules_,
                                    .proxy = config_.passes_on(recipients::name_hosts(tables_))};
  std::string asked;
  bool failed = false;
  auto answered = [&] {
    if (!asked.empty() && !failed) report.ok(asked + ": answers");
    failed = false;
  };
  recipients::probe_lookups(
      config_.recipients.lookups, context,
      {.begins =
           [&](const std::string& name) {
             answered();
             asked = name;
           },
       .failed =
           [&](const std::string& name, bool, const Error& error) {
             failed = true;
             fault(name + ": " + error.describe() + "; its recipients are deferred with 451",
                   fix_for(name));
           }});
  answered();
}

}  // namespace handoff::ctl
