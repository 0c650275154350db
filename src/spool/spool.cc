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

Spool::Spool(sys::Files& files, SpoolOptions options, std::unique_ptr<Directories> directories)
    : files_(&files),
      options_(std::move(options)),
      directories_(std::move(directories)),
      file_sync_(options_.plain_sync ? sys::FileSync::kFile
                                     : files.file_sync(directories_->staging)),
      links_(files, directories_->root),
      names_(options_.host) {}

Result<Spool> Spool::open(sys::Files& files, SpoolOptions options) {
  auto root = files.open_root(options.path);
  if (!root) return root.error();
  auto own = open_or_make(files, root.value(), ".handoff");
  if (!own) return below(options.path, own.error());
  auto own_path = options.path + "/.handoff";
  auto staging = open_or_make(files, own.value(), "staging");
  if (!staging) return below(own_path, staging.error());
  auto unread = open_or_make(files, own.value(), "unread");
  if (!unread) return below(own_path, unread.error());
  Spool spool(files, std::move(options),
              std::make_unique<Directories>(
                  Directories{std::move(root).value(), std::move(own).value(),
                              std::move(staging).value(), std::move(unread).value()}));
  const auto& at = *spool.directories_;
  auto ledger = Ledger::open(at.own);
  if (!ledger) return below(own_path, ledger.error());
  auto guard = Guard::open(files, at.root, at.staging, at.unread, std::move(ledger).value(),
                           spool.options_.guard);
  if (!guard) return below(own_path, guard.error());
  spool.guard_.emplace(std::move(guard).value());
  return spool;
}

Result<Staging> Spool::begin(bool binary) {
  return Staging::create(*files_, directories_->staging, names_.next(), binary || options_.crlf,
                         file_sync_);
}

Status Spool::complete(Staging& staging, const std::vector<std::string>& places) {
  if (auto ended = staging.end_content(); !ended) return ended;
  // Entered before the sync: a retry that overtakes it must see that this try is under way.
  guard_->enter(staging, places);
  auto done = staging.complete();
  if (!done) confirmed();
  return done;
}

Result<std::optional<Delivered>> Spool::find_earlier(const Staging& staging,
                                                     const Mailbox& mailbox) {
  auto earlier = guard_->find_earlier(staging, mailbox);
  if (!earlier) return below(mailbox.place(), earlier.error());
  if (!earlier.value()) return std::optional<Delivered>();
  return std::optional(Delivered{*earlier.value(), staging.size(), false, true});
}

Result<std::optional<Delivered>> Spool::link(const Staging& staging, const Mailbox& mailbox,
                                             std::string_view personal) {
  if (!personal.empty()) return std::optional<Delivered>();
  auto earlier = find_earlier(staging, mailbox);
  if (!earlier || earlier.value()) return earlier;
  auto linked = links_.add(staging, mailbox, names_);
  if (!linked) return below(mailbox.place(), linked.error());
  if (!linked.value()) return std::optional<Delivered>();
  return std::optional(Delivered{*linked.value(), staging.size(), false, false});
}

Status Spool::sync_links(Staging& staging) { return links_.sync(staging); }

Result<Delivered> Spool::commit(const Staging& staging, const Mailbox& mailbox,
                                std::string_view personal) {
  auto earlier = find_earlier(staging, mailbox);
  if (!earlier) return earlier.error();
  if (earlier.value()) return *earlier.value();
  std::string lines;
  if (options_.crlf) {
    lines = personal;
  } else {
    CrlfToLf().convert(personal, lines);
  }
  auto delivered =
      handoff::spool::commit(*files_, directories_->root, staging, mailbox, lines, names_);
  if (!delivered) return below(mailbox.place(), delivered.error());
  return delivered;
}

void Spool::replied() { guard_->replied(); }

void Spool::confirmed() { guard_->confirmed(); }

Status Spool::vanished(const Staging& staging) {
  return guard_->vanished(staging.name(), staging.size());
}

Result<Swept> Spool::sweep() {
  auto swept = sweep_staging(
      *files_, directories_->staging, names_.host(),
      [this](pid_t pid) { return guard_->ledger().is_here(pid); },
      [this](const std::string& name, std::uint64_t size) {
        return guard_->take_over(name, size);
      });
  if (!swept) return swept;
  if (auto expired = guard_->expire(options_.window); !expired) return expired.error();
  return swept;
}

}  // namespace handoff::spool
