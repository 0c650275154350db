#include "spool/spool.hh"

#include <utility>

namespace handoff::spool {
namespace {

constexpr mode_t kMode = 0700;

Error below(const std::string& path, Error error) {
  error.path = path + (error.path.empty() ? "" : "/" + error.path);
  return error;
}

// The directory `name` below `at`, made and synced where it is missing.
Result<sys::Fd> open_or_make(sys::Files& files, const sys::Fd& at, const std::string& name) {
  auto directory = files.open_directory(at, name);
  if (directory || directory.error().code != ENOENT) return directory;
  auto made = files.make_directory(at, name, kMode);
  if (!made && made.error().code != EEXIST) return made.error();
  if (auto synced = files.sync_directory(at); !synced) return synced.error();
  return files.open_directory(at, name);
}

}  // namespace

Spool::Spool(sys::Files& files, SpoolOptions options, sys::Fd root, sys::Fd staging)
    : files_(&files),
      options_(std::move(options)),
      root_(std::move(root)),
      staging_(std::make_unique<sys::Fd>(std::move(staging))),
      names_(options_.host) {}

Result<Spool> Spool::open(sys::Files& files, SpoolOptions options) {
  auto root = files.open_root(options.path);
  if (!root) return root.error();
  auto own = open_or_make(files, root.value(), ".handoff");
  if (!own) return below(options.path, own.error());
  auto staging = open_or_make(files, own.value(), "staging");
  if (!staging) return below(options.path + "/.handoff", staging.error());
  return Spool(files, std::move(options), std::move(root).value(), std::move(staging).value());
}

Result<Staging> Spool::begin(bool binary) {
  return Staging::create(*files_, *staging_, names_.next(), binary || options_.crlf);
}

Result<Delivered> Spool::commit(const Staging& staging, const Mailbox& mailbox,
                                std::string_view personal) {
  std::string lines;
  if (options_.crlf) {
    lines = personal;
  } else {
    CrlfToLf().convert(personal, lines);
  }
  auto delivered = handoff::spool::commit(*files_, root_, staging, mailbox, lines, names_);
  if (!delivered) return below(mailbox.place(), delivered.error());
  return delivered;
}

Result<Swept> Spool::sweep() { return sweep_staging(*files_, *staging_, names_.host()); }

}  // namespace handoff::spool
