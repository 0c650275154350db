#include "master/birth.hh"

#include <sysexits.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/netstring.hh"
#include "base/text.hh"
#include "conf/copy.hh"
#include "master/fork_server.hh"
#include "master/status_process.hh"
#include "recipients/kinds.hh"
#include "sys/activation.hh"
#include "sys/daemon.hh"
#include "sys/memory.hh"

namespace handoff::master {
namespace {

// Writes the data for the new process, in this order, as netstrings.
class Packer {
 public:
  void text(std::string_view octets) { add_netstring(out_, octets); }
  void number(std::size_t number) { text(std::to_string(number)); }
  void flag(bool value) { number(value ? 1 : 0); }
  void descriptor(const sys::Fd& fd) {
    sys::keep_over_exec(fd, true);
    text(fd ? std::to_string(fd.get()) : "");
  }
  const std::string& all() const { return out_; }

 private:
  std::string out_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view octets) : parts_(octets) {}
  std::string text() { return std::string(parts_.next()); }
  std::size_t number() { return static_cast<std::size_t>(parse_number(parts_.next()).value_or(0)); }
  bool flag() { return number() != 0; }
  sys::Fd descriptor() {
    auto number = parse_number(parts_.next());
    return number && *number <= INT_MAX ? sys::take_over(static_cast<int>(*number)) : sys::Fd();
  }
  bool good() const { return parts_.good(); }

 private:
  Netstrings parts_;
};

constexpr std::string_view kForkServer = "fork server";
constexpr std::string_view kStatus = "status";

// The data that every process gets first.
struct Basics {
  std::string kind;
  conf::Settings settings;
  Terminal terminal;
};

void pack(Packer& to, std::string_view kind, const conf::Settings& settings,
          const Terminal& terminal) {
  to.text(PACKAGE_VERSION);
  to.text(kind);
  to.text(conf::pack(settings));
  to.flag(terminal.echo_errors);
  to.flag(terminal.detach);
}

Basics unpack_basics(Unpacker& from) {
  if (from.text() != PACKAGE_VERSION) {
    throw conf::ConfigError("the master is another version of handoff", EX_SOFTWARE);
  }
  Basics out;
  out.kind = from.text();
  out.settings = conf::unpack_settings(from.text(), recipients::parse_copied_lookup);
  out.terminal.echo_errors = from.flag();
  out.terminal.detach = from.flag();
  return out;
}

void pack(Packer& to, const worker::Assets& assets) {
  to.flag(assets.tls.has_value());
  if (assets.tls) {
    const auto& files = assets.tls->files();
    for (const auto* file : {&files.certificate, &files.key, &files.client_ca}) to.text(*file);
  }
  to.number(assets.tables.size());
  for (const auto& [path, table] : assets.tables) {
    to.text(path);
    to.descriptor(table->image());
  }
}

Result<worker::Assets> unpack_assets(Unpacker& from, const conf::Config& config) {
  worker::Assets assets;
  if (from.flag()) {
    sys::TlsFiles files;
    for (auto* file : {&files.certificate, &files.key, &files.client_ca}) *file = from.text();
    auto context = sys::TlsContext::make(worker::tls_options(config), std::move(files));
    if (!context) return context.error();
    assets.tls = std::move(context).value();
  }
  for (auto left = from.number(); left > 0 && from.good(); --left) {
    auto path = from.text();
    auto table = recipients::Table::open(from.descriptor(), path);
    if (!table) return table.error();
    assets.tables[path] = std::move(table).value();
  }
  return assets;
}

Error execute(const sys::Fd& program, const char* name, const Packer& all) {
  auto file = sys::anonymous_file();
  if (!file) return file.error();
  if (auto written = sys::write_whole(file.value(), all.all()); !written) return written.error();
  sys::keep_over_exec(file.value(), true);
  return sys::exec_process(program, name, kBirthVariable, std::to_string(file.value().get()));
}

int cannot_begin(const sys::Log& log, const Error& error) {
  log.error("cannot begin", {{"cause", error.describe()}});
  return EX_OSERR;
}

const Error kIncomplete = explained(EPROTO, "the data from the master did not arrive");

int run_fork_server(Unpacker& from, const Basics& basics, sys::Log& log) {
  auto assets = unpack_assets(from, basics.settings.config);
  if (!assets) return cannot_begin(log, assets.error());
  auto file = from.descriptor();
  auto capacity = from.number();
  auto board = board::Board::attach(std::move(file), capacity);
  if (!board) return cannot_begin(log, board.error());
  auto life = from.descriptor();
  auto wakeup = from.descriptor();
  auto channel = from.descriptor();
  if (!from.good()) return cannot_begin(log, kIncomplete);
  return serve_forks(basics.settings.config, log, assets.value(), {board.value(), life, wakeup},
                     channel, basics.terminal);
}

int run_status(Unpacker& from, const Basics& basics, const sys::Log& log) {
  if (basics.terminal.detach) sys::close_standard_descriptors();
  status::Options options;
  options.commands = from.flag();
  options.show_addresses = from.flag();
  auto listener = from.descriptor();
  auto channel = from.descriptor();
  if (!from.good()) return cannot_begin(log, kIncomplete);
  return master::run_status(basics.settings.config, log, options, listener, channel);
}

}  // namespace

Error execute_fork_server(const sys::Fd& program, const conf::Settings& settings,
                          const worker::Assets& assets, const Origin& origin,
                          const sys::Fd& channel, const Terminal& terminal) {
  Packer all;
  pack(all, kForkServer, settings, terminal);
  pack(all, assets);
  all.descriptor(origin.board.descriptor());
  all.number(origin.board.capacity());
  all.descriptor(origin.life);
  all.descriptor(origin.wakeup);
  all.descriptor(channel);
  return execute(program, "handoffd: fork server", all);
}

Error execute_status(const sys::Fd& program, const conf::Settings& settings,
                     const status::Options& options, const sys::Fd& listener,
                     const sys::Fd& channel, const Terminal& terminal) {
  Packer all;
  pack(all, kStatus, settings, terminal);
  all.flag(options.commands);
  all.flag(options.show_addresses);
  all.descriptor(listener);
  all.descriptor(channel);
  return execute(program, "handoffd: status", all);
}

int run_executed(std::string_view variable, sys::Log (*open_log)(const conf::Config&)) {
  auto number = parse_number(variable);
  auto file = number && *number <= INT_MAX ? sys::take_over(static_cast<int>(*number)) : sys::Fd();
  auto octets = sys::read_whole(file);
  file.reset();
  if (!octets) throw conf::ConfigError(octets.error().describe(), EX_SOFTWARE);
  Unpacker from(octets.value());
  auto basics = unpack_basics(from);
  auto log = open_log(basics.settings.config);
  log.echo_errors(basics.terminal.echo_errors);
  if (basics.kind == kForkServer) return run_fork_server(from, basics, log);
  if (basics.kind == kStatus) return run_status(from, basics, log);
  return cannot_begin(log, kIncomplete);
}

}  // namespace handoff::master
