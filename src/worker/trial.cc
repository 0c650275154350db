#include "worker/trial.hh"

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "board/scribe.hh"
#include "sys/files.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/pump.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

constexpr std::chrono::seconds kLimit{5};

// The next line, with its end; EPIPE, ETIMEDOUT where there is none.
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
      if (got.got == sys::Stream::Got::kTimeout) return Error{ETIMEDOUT, "no greeting", {}};
      if (got.got != sys::Stream::Got::kOctets) return Error{EPIPE, "no greeting", {}};
      input_.append(buffer.data(), got.size);
    }
  }

 private:
  sys::Stream& stream_;
  sys::Deadline until_;
  std::string input_;
};

// Of a session that was sent LHLO and QUIT.
Status hear_out(sys::Stream& stream, sys::Deadline until) {
  Lines lines(stream, until);
  std::string all;
  for (;;) {
    auto line = lines.next();
    if (!line) return line.error();
    const auto& text = line.value();
    if (text.starts_with("221")) return {};
    // Not one of the networks of `allow`: that is an answer too.
    if (text.starts_with("554")) return {};
    if (!text.starts_with("2")) return Error{EPROTO, "the server said " + text.substr(0, 60), {}};
  }
}

Status write_to_spool(Services& services) {
  auto staging = services.spool.begin(false);
  if (!staging) return staging.error();
  if (auto done = staging.value().append("Subject: probe\r\n\r\n"); !done) return done.error();
  return staging.value().complete();
}

}  // namespace

Status try_out(const conf::Config& config, const sys::Log& log) {
  auto images = recipients::blank_images(config.recipients.lookups);
  if (!images) return images.error();
  return try_out(config, log, images.value());
}

Status try_out(const conf::Config& config, const sys::Log& log,
               const recipients::TableImages& images) {
  sys::catch_stop_signal();
  auto filled = recipients::fill_images(images, recipients::fold_whole(config.recipient_rules()));
  if (!filled) return filled.error();
  auto tables = recipients::open_tables(images);
  if (!tables) return tables.error();
  auto assets = load_assets(config, std::move(tables).value());
  if (!assets) return assets.error();
  if (auto dropped = drop_privileges(config); !dropped) return dropped.error();
  sys::PosixFiles files;
  auto services = Services::open(config, log, files, std::move(assets).value());
  if (!services) return services.error();
  if (auto written = write_to_spool(*services.value()); !written) return written.error();
  auto pair = sys::connected_pair();
  if (!pair) return pair.error();
  auto& [ours, theirs] = pair.value();
  sys::Stream client(std::move(ours));
  auto until = sys::Steady::now() + kLimit;
  if (auto done = client.write("LHLO localhost\r\nQUIT\r\n", until); !done) return done.error();
  auto slot = std::make_unique<board::Slot>();
  board::Scribe scribe(*slot);
  Pump(*services.value(), sys::Stream(std::move(theirs)), {std::nullopt, std::nullopt, "local"},
       std::nullopt, scribe)
      .run();
  return hear_out(client, until);
}

Status probe(const conf::Config& config, const std::vector<Endpoint>& endpoints,
             const sys::Log& log, Assets assets) {
  sys::catch_stop_signal();
  auto until = sys::Steady::now() + kLimit;
  // Connected before root is dropped: the sockets need not be the workers' to connect to.
  std::vector<sys::Stream> asked;
  for (const auto& endpoint : endpoints) {
    // One that wants TLS first would log a handshake that breaks off, each time.
    if (endpoint.tls || (endpoint.is_unix && endpoint.path.empty())) continue;
    auto fd = sys::connect_to(endpoint, until);
    if (!fd) return fd.error();
    asked.emplace_back(std::move(fd).value());
  }
  if (auto dropped = drop_privileges(config); !dropped) return dropped.error();
  // All of it is said before any answer is waited for: where there is one worker, it comes to them
  // in an order of its own.
  for (auto& stream : asked) {
    if (auto done = stream.write("LHLO localhost\r\nQUIT\r\n", until); !done) return done.error();
  }
  for (auto& stream : asked) {
    if (auto heard = hear_out(stream, until); !heard) return heard.error();
  }
  sys::PosixFiles files;
  auto services = Services::open(config, log, files, std::move(assets));
  if (!services) return services.error();
  auto room = services.value()->spool.reserve(0);
  if (room && !room.value())
    return Error{ENOSPC, "less is free than spool.min-free", config.spool.path};
  return write_to_spool(*services.value());
}

}  // namespace handoff::worker
