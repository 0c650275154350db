#include "worker/stdin_session.hh"

#include <sysexits.h>

#include <memory>

#include "board/slot_writer.hh"
#include "lmtp/replies.hh"
#include "sys/files.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/connection.hh"
#include "worker/needs.hh"
#include "worker/proxied.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

constexpr std::uint16_t kSmtpPort = 25;

int exit_code_of(Ended ended) {
  switch (ended) {
    case Ended::kQuit:
      return EX_OK;
    case Ended::kRefused:
      return EX_NOPERM;
    case Ended::kShutdown:
    case Ended::kTimeout:
    case Ended::kBroken:
      break;
  }
  return EX_TEMPFAIL;
}

}  // namespace

int run_stdin(const conf::Config& config, const sys::Log& log, Companions companions) {
  sys::catch_stop_signal();
  auto cannot = [&](const char* what, const Error& error, int exit_code) {
    log.error(what, {{"cause", error.describe()}});
    return exit_code;
  };
  auto assets = load_assets(config);
  if (!assets) return cannot("cannot begin", assets.error(), EX_TEMPFAIL);
  if (auto dropped = drop_privileges(config); !dropped) {
    return cannot("cannot drop privileges", dropped.error(), EX_CONFIG);
  }
  sys::Stream stream{sys::Fd(sys::kStandardInput), sys::Fd(sys::kStandardOutput)};
  if (sys::local_port(sys::kStandardInput) == kSmtpPort) {  // RFC 2033 5
    lmtp::Reply reply(lmtp::say::kPort25);
    log.error("refused to serve", {{"reply", reply.one_line()}});
    std::string line;
    reply.append_to(line);
    auto until = sys::Steady::now() + config.session.command_timeout;
    static_cast<void>(stream.write(line, until).ok());
    return EX_CONFIG;
  }
  if (auto started = start_launcher(config); !started) {
    return cannot("cannot begin", started.error(), EX_TEMPFAIL);
  }
  bool has_delivery = static_cast<bool>(companions.delivery);
  sys::Files files;
  auto services =
      Services::open(config, log, files, std::move(assets).value(), std::move(companions));
  if (!services) return cannot("cannot begin", services.error(), EX_TEMPFAIL);
  services.value()->sweep();
  auto needs = needs_of(config, has_delivery, services.value()->pool.has_value());
  (sys::local_port(sys::kStandardInput) ? needs.inet_sockets : needs.unix_sockets) = true;
  auto slot = std::make_unique<board::Slot>();  // not read by anybody
  board::SlotWriter slot_writer(*slot);
  if (auto done = sys::confine("session", needs, {}, log); !done) {
    return cannot("cannot be confined", done.error(), EX_OSERR);
  }
  auto client =
      proxied_peer(*services.value(), stream, sys::peer_of(sys::kStandardInput), slot_writer);
  if (!client) return EX_NOPERM;
  Connection connection(*services.value(), std::move(stream), std::move(*client),
                        sys::local_port(sys::kStandardInput), slot_writer);
  return exit_code_of(connection.run());
}

}  // namespace handoff::worker
