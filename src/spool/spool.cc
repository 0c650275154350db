#include "spool/spool.hh"

#include <cerrno>
#include <utility>

#include "spool/crowd_folder.hh"
#include "spool/maildir.hh"
#include "sys/process.hh"

namespace handoff::spool {
namespace {

constexpr mode_t kMode = 0700;

// Some errors name what lies in the mailbox, others all of the path.
Error below(const std::string& path, Error error) {
  if (error.path == path || error.path.starts_with(path + "/")) return error;
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
      names_(options_.host),
      quotas_(files, directories_->root, options_.quota, options_.quota_patience) {}

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
  auto ledger = Ledger::open(at.own, spool.names_.maker());
  if (!ledger) return below(own_path, ledger.error());
  auto guard = Guard::open(files, at.root, at.staging, at.unread, std::move(ledger).value(),
                           spool.options_.guard);
  if (!guard) return below(own_path, guard.error());
  spool.guard_.emplace(std::move(guard).value());
  return spool;
}

Result<bool> Spool::reserve(std::uint64_t octets) {
  // Said before it is asked what others say: of two at once both see each other.
  auto& ledger = guard_->ledger();
  ledger.reserve(octets);
  auto with_others = [&](Ledger::Others others) {
    auto demand = ledger.reserved_by(others);
    demand.octets += octets;
    ++demand.files;
    return demand;
  };
  auto space = space_for(with_others(Ledger::Others::kAny));
  if (!space) return space.error();
  auto is_enough = [&](Ledger::Others others) {
    return has_room(space.value(), options_.reserve, with_others(others));
  };
  bool enough = is_enough(Ledger::Others::kAny) || is_enough(Ledger::Others::kLiving);
  if (!enough) ledger.release();
  return enough;
}

Result<sys::Space> Spool::space_for(const Demand& demand) {
  Demand and_more{demand.octets + kMostInAMoment.octets, demand.files + kMostInAMoment.files};
  auto now = sys::Steady::now();
  if (now < seen_until_ && has_room(seen_, options_.reserve, and_more)) return seen_;
  auto space = this->space();
  if (!space) return space.error();
  seen_ = space.value();
  seen_until_ = now + kMoment;
  return seen_;
}

const sys::Fd& Spool::staging_for(const std::string& name) {
  auto& at = *directories_;
  auto others = guard_->ledger().reserved_by(Ledger::Others::kAny).files;
  if (others < options_.crowd) return at.staging;
  if (!at.crowd) {
    // Not synced: the names in staging need not outlive a power cut where its filesystem does not
    // have names come to disk in their order, and there the message's sync is this one's too.
    auto folder = crowd_folder_of(name);
    static_cast<void>(files_->make_directory(at.staging, folder, kMode).ok());
    auto opened = files_->open_directory(at.staging, folder);
    if (!opened) return at.staging;  // slower, and as good
    at.crowd = std::move(opened).value();
  }
  return at.crowd;
}

Result<Staging> Spool::begin(bool binary) {
  auto name = names_.next();
  const auto& directory = staging_for(name);
  bool exact = binary || options_.crlf;
  auto staging = Staging::create(*files_, directory, name, exact, file_sync_);
  // Somebody has removed the folder of a crowd.
  bool gone = !staging && staging.error().code == ENOENT && &directory == &directories_->crowd;
  if (!gone) return staging;
  directories_->crowd.reset();
  return Staging::create(*files_, directories_->staging, std::move(name), exact, file_sync_);
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
  // Whoever put it there may have died before it was counted.
  quotas_.uncertain(mailbox);
  return std::optional(Delivered{*earlier.value(), staging.size(), false, true});
}

Standing Spool::with_uncounted(Standing standing, const Mailbox& mailbox) const {
  for (const auto& [other, size] : uncounted_) {
    if (!standing.use || other.name() != mailbox.name()) continue;
    standing.use->size += size;
    ++standing.use->messages;
  }
  return standing;
}

Result<std::optional<Delivered>> Spool::link(const Staging& staging, const Mailbox& mailbox,
                                             std::string_view personal) {
  if (!personal.empty()) return std::optional<Delivered>();
  auto earlier = find_earlier(staging, mailbox);
  if (!earlier || earlier.value()) return earlier;
  // What may take long, a count or a program, is for commit(): it holds up nobody there.
  auto standing = quotas_.standing(mailbox, staging.size(), QuotaBook::Counts::kNot);
  if ((standing && !standing.value().certain) || is_to_be_made(mailbox)) {
    return std::optional<Delivered>();
  }
  if (standing) {
    auto room = quotas_.check(standing.value(), staging.size());
    if (!room) return below(mailbox.place(), room.error());
    // Another folder of the mailbox may have the message already. Whether both have room, commit()
    // finds out, which counts the first.
    standing.value() = with_uncounted(standing.value(), mailbox);
    if (!quotas_.check(standing.value(), staging.size())) return std::optional<Delivered>();
  }
  auto linked = links_.add(staging, mailbox, names_);
  if (!linked) return below(mailbox.place(), linked.error());
  if (!linked.value()) return std::optional<Delivered>();
  Delivered delivered{*linked.value(), staging.size(), false, false};
  if (standing && standing.value().limits.any()) {
    delivered.quota = with_one_more(standing.value(), delivered.size);
    uncounted_.emplace_back(mailbox, delivered.size);
  }
  return std::optional(std::move(delivered));
}

Status Spool::sync_links(Staging& staging) {
  auto synced = links_.sync(staging);
  auto uncounted = std::exchange(uncounted_, {});
  if (!synced) return synced;
  for (const auto& [mailbox, size] : uncounted) quotas_.added(mailbox, size);
  return synced;
}

Result<Delivered> Spool::commit(const Staging& staging, const Mailbox& mailbox,
                                std::string_view personal) {
  auto earlier = find_earlier(staging, mailbox);
  if (!earlier) return earlier.error();
  if (earlier.value()) return *earlier.value();
  auto standing = quotas_.standing(mailbox, staging.size());
  if (standing) {
    auto room = quotas_.check(standing.value(), staging.size());
    if (!room) return below(mailbox.place(), room.error());
  }
  if (auto made = make_mailbox(mailbox); !made) return below(mailbox.place(), made.error());
  std::string lines;
  if (options_.crlf) {
    lines = personal;
  } else {
    CrlfToLf().convert(personal, lines);
  }
  auto delivered =
      handoff::spool::commit(*files_, directories_->root, staging, mailbox, lines, names_);
  if (!delivered) return below(mailbox.place(), delivered.error());
  if (standing && standing.value().limits.any()) {
    quotas_.added(mailbox, delivered.value().size);
    delivered.value().quota = with_one_more(standing.value(), delivered.value().size);
  }
  return delivered;
}

Status Spool::check_quota(const Mailbox& mailbox, std::uint64_t size) {
  auto standing = quotas_.standing(mailbox, size);
  if (!standing) return {};  // delivery will tell what is wrong with the mailbox
  return quotas_.check(standing.value(), size);
}

// By the site's own program.
bool Spool::is_to_be_made(const Mailbox& mailbox) {
  if (!options_.create || !mailbox.create) return false;
  Mailbox inbox = mailbox;
  inbox.folder.clear();
  auto there = open_in(*files_, directories_->root, inbox, "");
  return !there && there.error().code == ENOENT;
}

Status Spool::make_mailbox(const Mailbox& mailbox) {
  if (!is_to_be_made(mailbox)) return {};
  if (auto made = options_.create(mailbox); !made) return made;
  Mailbox inbox = mailbox;
  inbox.folder.clear();
  auto there = open_in(*files_, directories_->root, inbox, "");
  if (!there) return there.error();
  // Completed and synced as if it were ours: the program will hardly have.
  return make_maildir(*files_, directories_->root, inbox);
}

void Spool::replied() { guard_->replied(); }

void Spool::confirmed() { guard_->confirmed(); }

Status Spool::vanished(Staging& staging) {
  auto noted = guard_->vanished(staging.name(), staging.size());
  if (!noted) staging.leave();
  return noted;
}

Result<Swept> Spool::sweep(const Sweeping& how) {
  auto found = [&](const std::string& path) -> Status {
    if (how.found) how.found(path);
    if (how.dry_run) return Error{ECANCELED, "would be removed", path};
    return {};
  };
  const auto& ledger = guard_->ledger();
  auto swept = sweep_staging(
      *files_, directories_->staging,
      {names_.host(), [&](const Owner& owner) { return ledger.is_here(owner); }},
      [&](const std::string& path, std::uint64_t size) {
        auto go_on = found(".handoff/staging/" + path);
        return go_on ? guard_->take_over(path.substr(path.rfind('/') + 1), size) : go_on;
      });
  if (!swept) return swept;
  if (how.mailboxes) {
    // Who delivers as the mailbox's owner need not have a place in the ledger.
    auto is_alive = [&](const Owner& owner) {
      return ledger.is_here(owner) || sys::process_exists(owner.pid);
    };
    auto below =
        sweep_mailboxes(*files_, directories_->root, {names_.host(), is_alive},
                        [&](const std::string& path, std::uint64_t) { return found(path); });
    if (!below) return below;
    swept.value().removed += below.value().removed;
    swept.value().kept += below.value().kept;
    swept.value().unread += below.value().unread;
  }
  if (how.dry_run) return swept;
  if (auto expired = guard_->expire(options_.window); !expired) return expired.error();
  return swept;
}

}  // namespace handoff::spool
