#include "worker/examination.hh"

#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "base/quantity.hh"
#include "board/condition.hh"
#include "recipients/lookup_process.hh"
#include "recipients/probe.hh"
#include "sys/files.hh"
#include "sys/log.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/sandbox.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/title.hh"
#include "worker/lookups.hh"
#include "worker/needs.hh"
#include "worker/sender.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

using board::Condition;

constexpr std::chrono::seconds kGreetingLimit{5};
constexpr std::chrono::milliseconds kLookupsLimit{3000};  // for all lookups together
// The lookup process ends by itself then, even if a library hangs.
constexpr std::chrono::seconds kLookupsEnd{10};
// If a message of a script waits this long, a restart of the mail system is not the reason.
constexpr std::chrono::hours kOutgoingLate{4};

class FindingWriter {
 public:
  explicit FindingWriter(const sys::Fd& to) : to_(to) {}
  void begin(std::string_view subject) {
    subject_ = subject;
    sys::put(to_, board::begin_line(subject));
  }
  void say(const sys::Space& space) { sys::put(to_, board::line_of(space)); }
  void outgoing(const board::OutgoingMail& mail) { sys::put(to_, board::line_of(mail)); }
  // Reports a fault of the subject of the last begin().
  void fault(Condition condition, const std::string& what) {
    sys::put(to_, board::line_of(board::Finding{condition, subject_ + ": " + what}));
  }

 private:
  const sys::Fd& to_;
  std::string subject_;
};

// Reads lines, including their ends. EPIPE or ETIMEDOUT if there is no further line.
class Lines {
 public:
  Lines(sys::Stream& stream, sys::Deadline until) : stream_(stream), until_(until) {}

  Result<std::string> next() {
    for (;;) {
      if (auto end = input_.find('\n'); end != input_.npos) {
        auto line = input_.substr(0, end + 1);
        input_.erase(0, end + 1);
        return line;
      }
      std::array<char, 1024> buffer;
      auto got = stream_.read(buffer.data(), buffer.size(), until_, false);
      if (got.got == sys::Stream::Got::kTimeout) return explained(ETIMEDOUT, "no greeting");
      if (got.got != sys::Stream::Got::kOctets) return explained(EPIPE, "no greeting");
      input_.append(buffer.data(), got.size);
    }
  }

 private:
  sys::Stream& stream_;
  sys::Deadline until_;
  std::string input_;
};

// Returns the needs of an examination in addition to open descriptors: those of a worker, without
// programs.
sys::Needs examination_needs(const conf::Config& config) {
  auto out = needs_of(config, false, false);
  out.programs.clear();
  return out;
}

// The time for each lookup.
std::chrono::milliseconds lookup_limit(const conf::Config& config) {
  auto limit = kLookupsLimit / std::max<std::ptrdiff_t>(std::ssize(config.recipients.lookups), 1);
  return std::min<std::chrono::milliseconds>(limit, config.recipients.lookup_timeout);
}

void check_room(spool::Spool& spool, const sys::Space& space, FindingWriter& report) {
  report.begin("room");
  auto room = spool.reserve(0);
  if (!room) return report.fault(Condition::kDegraded, room.error().describe());
  if (room.value()) return;
  report.fault(Condition::kNotDelivering,
               octets_text(static_cast<double>(space.free_octets)) + " and " +
                   std::to_string(space.free_inodes) +
                   " inodes are free, less than spool.min-free or spool.min-free-inodes");
}

// Checks whether the messages of scripts are being sent.
void check_outgoing(spool::Spool& spool, FindingWriter& report) {
  report.begin("outgoing");
  auto queue = spool.outgoing();
  if (!queue) return report.fault(Condition::kDegraded, queue.error().describe());
  if (queue.value() == nullptr) return;
  auto backlog = queue.value()->backlog();
  if (!backlog) return report.fault(Condition::kDegraded, backlog.error().describe());
  const auto& [waiting, failed, oldest] = backlog.value();
  report.outgoing({waiting, failed, oldest ? oldest->time_since_epoch().count() : 0});
  auto age = oldest ? std::chrono::floor<std::chrono::hours>(sys::Wall::now() - *oldest)
                    : std::chrono::hours(0);
  if (age >= kOutgoingLate) {
    report.fault(Condition::kDegraded,
                 std::to_string(waiting) +
                     " messages of scripts wait for sieve.sendmail, one for " +
                     std::to_string(age.count()) + " hours");
  }
  if (failed > 0) {
    report.fault(Condition::kDegraded,
                 std::to_string(failed) + " messages of scripts were given up");
  }
}

}  // namespace

Result<sys::Fd> start_examined_lookups(const conf::Config& config, const sys::Log& log,
                                       const recipients::Modules& modules) {
  if (!needs_lookup_process(config)) return sys::Fd();
  auto quick = config;
  quick.recipients.lookup_timeout = std::chrono::ceil<std::chrono::seconds>(lookup_limit(config));
  return sys::fork_server([&](const sys::Fd& socket) {
    sys::end_unless_called(kLookupsEnd);
    return serve_lookups(quick, log, modules, socket);
  });
}

int examine(const conf::Config& config, const recipients::Tables& tables,
            Result<sys::Fd> lookup_process, const sys::Fd& to) {
  sys::set_title("examination");
  sys::catch_stop_signal();
  FindingWriter report(to);
  auto failed = [&](const Error& error) {
    report.fault(Condition::kNotDelivering, error.describe());
    return EX_OK;
  };
  sys::Log quiet(sys::LogFormat::kText, sys::Level::kError);
  report.begin("user");
  if (auto dropped = drop_privileges(config); !dropped) return failed(dropped.error());
  report.begin("spool");
  sys::Files files;
  auto root = files.open_root(config.spool.path);
  auto space = root ? files.space(root.value()) : Result<sys::Space>(root.error());
  if (!space) return failed(space.error());
  report.say(space.value());
  auto options = spool_options(config, quiet);
  options.visit = true;
  auto opened = spool::Spool::open(files, std::move(options));
  if (!opened) return failed(opened.error());
  auto& spool = *opened.value();
  if (auto done = sys::confine("examination", examination_needs(config), {}, quiet); !done)
    return failed(done.error());
  check_room(spool, space.value(), report);
  report.begin("staging");
  if (auto written = spool.probe(); !written) static_cast<void>(failed(written.error()));
  if (needs_sender(config)) check_outgoing(spool, report);
  const auto& lookups = config.recipients.lookups;
  report.begin("lookup process");
  if (!lookup_process) return failed(lookup_process.error());
  recipients::LookupClient process(std::move(lookup_process).value());
  recipients::LookupContext context{.files = files,
                                    .spool = spool.root(),
                                    .layout = config.spool.layout,
                                    .timeout = lookup_limit(config),
                                    .tables = &tables,
                                    .process = &process,
                                    .proxy = config.passes_on(recipients::name_hosts(tables))};
  auto local = recipients::probe_address().local;
  recipients::probe_lookups(lookups, context,
                            {.begins = [&](const std::string& name) { report.begin(name); },
                             .failed =
                                 [&](const std::string&, bool for_all, const Error& error) {
                                   report.fault(
                                       for_all ? Condition::kNotDelivering : Condition::kDegraded,
                                       hide_address(error.describe(), {local, {}}));
                                 }});
  return EX_OK;
}

int greet(const conf::Config& config, const std::vector<Endpoint>& endpoints, const sys::Fd& to) {
  sys::set_title("greeting");
  sys::catch_stop_signal();
  FindingWriter report(to);
  auto until = sys::Steady::now() + kGreetingLimit;
  auto failed = [&](const Endpoint& endpoint, const Error& error) {
    report.begin("listener " + endpoint.text());
    report.fault(Condition::kNotDelivering, error.describe());
  };
  // Connects before root is dropped, because the workers' user may not be able to.
  std::vector<std::pair<Endpoint, sys::Stream>> asked;
  for (const auto& endpoint : endpoints) {
    // Skips listeners that start with TLS, which would log a failed handshake each time.
    if (endpoint.tls || (endpoint.is_unix && endpoint.path.empty())) continue;
    report.begin("listener " + endpoint.text());
    auto fd = sys::connect_to(endpoint, until);
    if (fd) {
      asked.emplace_back(endpoint, std::move(fd).value());
    } else {
      failed(endpoint, fd.error());
    }
  }
  if (auto dropped = drop_privileges(config); !dropped) {
    report.begin("user");
    report.fault(Condition::kNotDelivering, dropped.error().describe());
    return EX_OK;
  }
  sys::Log quiet(sys::LogFormat::kText, sys::Level::kError);
  if (auto done = sys::confine("greeting", {}, {}, quiet); !done) {
    report.begin("confinement");
    report.fault(Condition::kNotDelivering, done.error().describe());
    return EX_OK;
  }
  // Writes everything before reading any answer: a single worker may take the connections in any
  // order.
  for (auto& [endpoint, stream] : asked) {
    static_cast<void>(stream.write("LHLO localhost\r\nQUIT\r\n", until).ok());
  }
  for (auto& [endpoint, stream] : asked) {
    if (auto checked = check_replies(stream, until); !checked) failed(endpoint, checked.error());
  }
  return EX_OK;
}

Status check_replies(sys::Stream& stream, sys::Deadline until) {
  Lines lines(stream, until);
  for (;;) {
    auto line = lines.next();
    if (!line) return line.error();
    const auto& text = line.value();
    if (text.starts_with("221")) return {};
    // The client is not in `allow`, but the server has answered.
    if (text.starts_with("554")) return {};
    if (!text.starts_with("2")) return explained(EPROTO, "the server said " + text.substr(0, 60));
  }
}

}  // namespace handoff::worker
