#include "worker/trial.hh"

#include <memory>
#include <utility>

#include "board/slot_writer.hh"
#include "filter/global_scripts.hh"
#include "sys/files.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/connection.hh"
#include "worker/examination.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

constexpr std::chrono::seconds kTrialLimit{5};

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
  sys::Files files;
  if (const auto* engine = assets.value().engine) {
    auto checked = filter::check_global_scripts(config, *engine, files);
    if (!checked) return checked.error();
  }
  auto services = Services::open(config, log, files, std::move(assets).value(), {}, Use::kTry);
  if (!services) return services.error();
  if (auto written = services.value()->spool->probe(); !written) return written.error();
  auto pair = sys::connected_pair();
  if (!pair) return pair.error();
  auto& [ours, theirs] = pair.value();
  sys::Stream client(std::move(ours));
  auto until = sys::Steady::now() + kTrialLimit;
  if (auto done = client.write("LHLO localhost\r\nQUIT\r\n", until); !done) return done.error();
  auto slot = std::make_unique<board::Slot>();
  board::SlotWriter slot_writer(*slot);
  Connection(*services.value(), sys::Stream(std::move(theirs)), {std::nullopt, "local"},
             std::nullopt, slot_writer)
      .run();
  return check_replies(client, until);
}

}  // namespace handoff::worker
