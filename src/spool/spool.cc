#include "spool/spool.hh"

#include <cerrno>
#include <chrono>
#include <thread>
#include <tuple>
#include <utility>

#include "spool/lease.hh"
#include "spool/maildir.hh"
#include "spool/own_directory.hh"
#include "spool/staging_folder.hh"
#include "sys/process.hh"

namespace handoff::spool {
namespace {

constexpr std::chrono::seconds kOldState{5};
constexpr std::chrono::milliseconds kLookAgain{100};

// open_or_make(), with the path of `at` in errors.
Result<sys::Fd> open_own(sys::Files& files, const sys::Fd& at, const std::string& path,
                         const std::string& name) {
  auto directory = open_or_make(files, at, name);
  if (directory) return directory;
  auto error = directory.error();
  error.path = path + (error.path.empty() ? "" : "/" + error.path);
  return error;
}

bool is_missing(const Error& error) {
  return error.code == ENOENT || error.code == ENOTDIR || error.code == ESTALE;
}

Error in_use(const std::string& path, const std::string& host) {
  return explained(EBUSY,
                   "the spool is in use by the host " + (host.empty() ? "?" : host) +
                       ", and only one host at a time may use it",
                   path, Reason::kSpoolInUse);
}

}  // namespace

Spool::Spool(sys::Files& files, SpoolOptions options, Directories directories)
    : files_(files),
      options_(std::move(options)),
      root_(std::move(directories.root)),
      own_(std::move(directories.own)),
      staging_(std::move(directories.staging)),
      unread_(std::move(directories.unread)),
      staging_name_(std::move(directories.staging_name)),
      shared_(directories.shared),
      visits_(directories.visits),
      file_sync_(options_.sync == Sync::kPlain ? sys::FileSync::kFile : files.file_sync(staging_)),
      names_(options_.host),
      writer_(files, root_, names_, options_.writer) {}

Result<std::unique_ptr<Spool>> Spool::open(sys::Files& files, SpoolOptions options) {
  auto root = files.open_root(options.path);
  if (!root) return root.error();
  auto own_path = options.path + "/.handoff";
  auto own = open_own(files, root.value(), options.path, ".handoff");
  if (!own) return own.error();
  sys::HostClaim claim;
  Directories found{std::move(root).value(), std::move(own).value(), {}, {}, "staging"};
  found.shared = files.is_shared(found.root);
  options.writer.shared = found.shared;
  if (found.shared) {
    auto complete = find_staging(files, options, std::move(found));
    if (!complete) return complete.error();
    found = std::move(complete).value();
  } else {
    auto claimed = sys::HostClaim::take(found.own, "host", sys::this_host());
    if (!claimed) return in_use(options.path, claimed.error().path);
    claim = std::move(claimed).value();
    auto staging = open_own(files, found.own, own_path, "staging");
    if (!staging) return staging.error();
    found.staging = std::move(staging).value();
  }
  auto unread = open_own(files, found.own, own_path, "unread");
  if (!unread) return unread.error();
  found.unread = std::move(unread).value();
  auto ledger_in = std::move(found.ledger);
  std::unique_ptr<Spool> spool(new Spool(files, std::move(options), std::move(found)));
  spool->claim_ = std::move(claim);
  // If the filesystem does not have stable inode numbers, they prove nothing.
  auto place = files.info(spool->root_);
  auto named = files.info_of_root(spool->options_.path);
  if (place && named && named.value().is_same_file(place.value())) spool->place_ = place.value();
  auto failed = [&](Error error) {
    error.path = (ledger_in ? spool->options_.run : own_path) + "/" + error.path;
    return error;
  };
  auto maker = spool->names_.maker();
  auto ledger = spool->visits_ ? Ledger::alone(maker)
                               : Ledger::open(ledger_in ? ledger_in : spool->own_, maker);
  if (!ledger) return failed(ledger.error());
  auto guard = Guard::open(files, spool->staging_, spool->unread_, std::move(ledger).value(),
                           spool->options_.guard);
  if (!guard) return failed(guard.error());
  spool->guard_.emplace(std::move(guard).value());
  return spool;
}

// On a filesystem that several hosts can use: the staging directory and the ledger of this host.
Result<Spool::Directories> Spool::find_staging(sys::Files& files, const SpoolOptions& options,
                                               Directories found) {
  auto lease = Lease::open(files, found.own);
  if (!lease) return lease.error();
  auto run = files.open_root(options.run);
  sys::Fd file;
  auto id = run ? server_id(files, run.value(), file) : Result<std::string>(run.error());
  auto self = sys::this_host();
  auto is_ours = [&](const Lease::Holder& of) { return id && of.is({self, {}, id.value()}); };
  // If this host has just taken the spool from a host that is alive, that host may write its lease
  // into the renamed directory once more: it remembers the name for a second (FUSE, NFS).
  auto until = sys::Steady::now() + kOldState;
  auto holder = lease.value().holder();
  while (holder && !is_ours(holder.value()) && holder.value().is_on(self) &&
         sys::Steady::now() < until) {
    std::this_thread::sleep_for(kLookAgain);
    holder = lease.value().holder();
  }
  if (!holder) return holder.error();
  if (is_ours(holder.value())) {
    found.staging_name = Lease::staging_of(holder.value().token);
    found.ledger = std::move(run).value();
  } else if (options.visit) {
    found.staging_name = kVisit + std::to_string(sys::random_number());
    found.visits = true;
    auto made = files.make_directory(found.own, found.staging_name, kDirectoryMode);
    if (!made) return made.error();
  } else if (holder.value().nobody) {
    return explained(EBUSY,
                     "other hosts can use this filesystem, and no handoffd of this host has taken "
                     "the spool: start handoffd",
                     options.path, Reason::kSpoolInUse);
  } else {
    return in_use(options.path, holder.value().host());
  }
  auto staging = files.open_directory(found.own, found.staging_name);
  if (!staging) return staging.error();
  found.staging = std::move(staging).value();
  return found;
}

Spool::~Spool() {
  if (visits_) static_cast<void>(files_.remove_directory(own_, staging_name_).ok());
}

Result<sys::Fd> Spool::scratch_file() {
  auto name = names_.next();
  auto file = files_.create(staging_, name, kFileMode);
  if (!file) return cause_of(file.error());
  // If this fails, the file is left for the sweep.
  static_cast<void>(files_.unlink(staging_, name).ok());
  return file;
}

Status Spool::probe() {
  auto name = "probe." + std::to_string(sys::random_number());
  auto file = files_.create(staging_, name, kFileMode);
  if (!file) return cause_of(file.error());
  auto done = files_.write(file.value(), "Subject: probe\n\n");
  if (done) done = files_.sync_data(file.value());
  if (done) done = files_.close(std::move(file).value());
  auto removed = files_.unlink(staging_, name);
  if (done && !removed) done = removed;
  return done ? check_place() : cause_of(done.error());
}

Status Spool::lose(Reason reason, const std::string& why) {
  gone_ = explained(ESTALE, why, options_.path, reason);
  return *gone_;
}

Status Spool::check_place() {
  if (!place_) return {};
  auto now = files_.info_of_root(options_.path);
  if (now && now.value().is_same_file(*place_)) return {};
  if (!now && now.error().code == ENOTSUP) return {};
  if (!now && !is_missing(now.error())) return now.error();
  if (now) {
    return lose(Reason::kSpoolReplaced,
                "another directory was mounted or moved here while the server ran");
  }
  return explained(ENOENT, "the directory was moved or removed while the server ran", options_.path,
                   Reason::kSpoolMissing);
}

// Of a directory, by its path.
Result<sys::FileInfo> Spool::info_below(const sys::Fd& above, const std::string& path) {
  if (path.find('/') == path.npos) return files_.info_at(above, path);
  auto directory = files_.open_directory(above, path);
  return directory ? files_.info(directory.value()) : directory.error();
}

Status Spool::check_folders() {
  if (auto here = check_place(); !here) return here;
  std::vector<std::tuple<const sys::Fd*, const char*, const sys::Fd*>> all{
      {&root_, ".handoff", &own_},
      {&own_, staging_name_.c_str(), &staging_},
      {&own_, "unread", &unread_}};
  if (outgoing_) all.emplace_back(&own_, kOutgoing, &outgoing_->directory());
  if (marks_) all.emplace_back(&own_, kMarks, &marks_->directory());
  if (records_) all.emplace_back(&own_, kDone, &records_->directory());
  for (auto [above, name, open] : all) {
    auto now = info_below(*above, name);
    auto before = files_.info(*open);
    if (!before && !is_missing(before.error())) continue;
    if (before && now && now.value().is_same_file(before.value())) continue;
    if (!now && !is_missing(now.error())) continue;
    std::string path = above == &own_ ? std::string(".handoff/") + name : name;
    return lose(
        Reason::kSpoolFolderGone,
        "the folder " + path + " was " + (now ? "replaced" : "removed") + " while the server ran");
  }
  return {};
}

Error Spool::cause_of(const Error& error) {
  auto here = check_folders();
  return here ? error : here.error();
}

template <class Store>
Result<Store*> Spool::open_store(std::optional<Store>& store, const char* name, Missing missing) {
  if (store) return &*store;
  auto directory = missing == Missing::kMake
                       ? open_own(files_, own_, options_.path + "/.handoff", name)
                       : files_.open_directory(own_, name);
  if (directory) return &store.emplace(files_, std::move(directory).value(), shared_);
  bool ignored = missing == Missing::kIgnore && directory.error().code == ENOENT;
  return ignored ? Result<Store*>(nullptr) : directory.error();
}

Result<OutgoingQueue*> Spool::outgoing() {
  return open_store(outgoing_, kOutgoing, Missing::kIgnore);
}

Result<bool> Spool::seen(const UserMark& mark) {
  auto marks = open_store(marks_, kMarks, Missing::kIgnore);
  if (!marks) return marks.error();
  return marks.value() == nullptr ? Result<bool>(false) : marks.value()->seen(mark);
}

// A message whose process has died was committed if its record exists. If it is not in staging any
// more, its process had completed it, and has removed the record.
Result<unsigned> Spool::recover_outgoing() {
  auto queue = outgoing();
  if (!queue) return queue.error();
  if (queue.value() == nullptr) return 0U;
  auto records = open_store(records_, kDone, Missing::kIgnore);
  if (!records) return records.error();
  // If another host has taken the spool over, its processes are not in this host's ledger.
  auto is_over = [&](const std::string& name) {
    auto owner = owner_of(name);
    return owner && !guard_->ledger().is_here(*owner) && (!shared_ || check_folders());
  };
  auto is_committed = [&](const std::string& name, const std::string& record) -> Result<bool> {
    auto recorded = records.value() != nullptr ? records.value()->has(record) : Result<bool>(false);
    if (!recorded || recorded.value()) return recorded;
    auto staged = where_staged(files_, staging_, name,
                               [&](const sys::Fd& folder) { return files_.info_at(folder, name); });
    if (staged) return false;
    return is_missing(staged.error()) ? Result<bool>(true) : staged.error();
  };
  return queue.value()->recover(is_over, is_committed);
}

Result<std::optional<Ledger::Reservation>> Spool::reserve(std::uint64_t octets) {
  using Room = std::optional<Ledger::Reservation>;
  // Entered before the other reservations are read, so that two simultaneous ones see each other.
  auto& ledger = guard_->ledger();
  auto room = ledger.reserve(octets);
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
  return enough ? Room(std::move(room)) : Room();
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
  auto others = guard_->ledger().reserved_by(Ledger::Others::kAny).files;
  if (others < options_.shared_staging) return staging_;
  if (!process_staging_) {
    // Not synced: a name in staging need not survive a power cut, unless the filesystem keeps the
    // order of names, and then the sync of the message includes this name.
    auto folder = staging_folder_of(name);
    static_cast<void>(files_.make_directory(staging_, folder, kDirectoryMode).ok());
    auto opened = files_.open_directory(staging_, folder);
    if (!opened) return staging_;  // slower, but it works
    process_staging_ = std::move(opened).value();
  }
  return process_staging_;
}

Status Spool::note(const std::string& name, std::uint64_t size) {
  auto noted = guard_->note(name, size);
  if (noted) {
    unnoted_.reset();
    leave_ledger();
  } else {
    guard_->replied();
    unnoted_ = {name, size};
  }
  return noted;
}

void Spool::leave_ledger() {
  guard_->leave();
  has_entered_ = false;
}

Result<Message> Spool::begin(bool binary, Ledger::Reservation room) {
  if (unnoted_) {
    auto [earlier, size] = *unnoted_;
    if (auto noted = note(earlier, size); !noted) return cause_of(noted.error());
  }
  auto name = names_.next();
  auto create_in = [&](const sys::Fd& folder) -> Result<Message> {
    bool exact = binary || options_.writer.crlf;
    auto staging = Staging::create(files_, folder, name, exact, file_sync_);
    if (!staging) return staging.error();
    return Message(*this, std::move(staging).value(), std::move(room));
  };
  const auto& folder = staging_for(name);
  auto message = create_in(folder);
  if (message) return message;
  auto error = message.error();
  // The process's folder may have been removed.
  if (error.code == ENOENT && &folder == &process_staging_) {
    process_staging_.reset();
    auto again = create_in(staging_);
    if (again) return again;
    error = again.error();
  }
  return cause_of(error);
}

// Records each message in staging whose process has ended, as one that may be sent again. Returns
// the paths of these messages and of other files that such processes left.
Result<std::unordered_set<std::string>> Spool::record_abandoned(const Owners& owners) {
  std::unordered_set<std::string> paths;
  auto listed =
      sweep_staging(files_, staging_, owners, [&](const std::string& path, std::uint64_t size) {
        auto name = path.substr(path.rfind('/') + 1);
        // A file with any other name is not a message. One with a comma is a further name.
        bool is_message = is_our_name(name) && name.find(',') == name.npos;
        if (!is_message || guard_->note(name, size)) paths.insert(path);
        return Status(Error{ECANCELED, "sweep", path});
      });
  return listed ? Result<std::unordered_set<std::string>>(std::move(paths)) : listed.error();
}

// recover_outgoing() leaves out the messages of processes that are running. If such a process ends
// a moment later, its file in staging must stay until the next sweep: without it, messages to send
// that were never committed would count as committed.
Result<Swept> Spool::sweep(const Sweeping& how) {
  auto found = [&](const std::string& path) -> Status {
    if (how.found) how.found(path);
    if (how.dry_run) return explained(ECANCELED, "would be removed", path);
    return {};
  };
  const auto& ledger = guard_->ledger();
  const Owners owners{names_.host(), [&](const Owner& owner) { return ledger.is_here(owner); }};
  std::unordered_set<std::string> abandoned;
  if (!how.dry_run) {
    // First, because this process may accept mail even if the rest fails.
    auto recorded = record_abandoned(owners);
    if (!recorded) return recorded.error();
    abandoned = std::move(recorded).value();
    // Called while their messages are still in staging.
    if (auto recovered = recover_outgoing(); !recovered) return recovered.error();
  }
  auto swept = sweep_staging(files_, staging_, owners, [&](const std::string& path, std::uint64_t) {
    // Its process has ended since then, or it could not be recorded: the next sweep removes it.
    if (!how.dry_run && !abandoned.contains(path)) return Status(Error{EAGAIN, "sweep", path});
    return found(".handoff/" + staging_name_ + "/" + path);
  });
  if (!swept) return swept;
  if (how.mailboxes) {
    // A process that delivers as the mailbox's owner may have no slot in the ledger.
    auto is_alive = [&](const Owner& owner) {
      return ledger.is_here(owner) || sys::process_exists(owner.pid);
    };
    auto below =
        sweep_mailboxes(files_, root_, {names_.host(), is_alive},
                        [&](const std::string& path, std::uint64_t) { return found(path); });
    if (!below) return below;
    swept.value() += below.value();
  }
  if (shared_) {
    auto visits = sweep_visits(files_, own_, [&](const std::string& name, std::uint64_t) {
      return found(".handoff/" + name);
    });
    if (!visits) return visits;
    swept.value() += visits.value();
  }
  if (how.dry_run) return swept;
  if (auto expired = guard_->expire(options_.window); !expired) return expired.error();
  if (auto expired = expire_marks_and_records(); !expired) return expired.error();
  return swept;
}

Result<std::optional<EarlierCopy>> Spool::find_record(const std::vector<std::string>& names,
                                                      const std::string& key,
                                                      const Staged& staged) {
  auto records = open_store(records_, kDone, Missing::kIgnore);
  if (!records) return records.error();
  if (records.value() == nullptr) return std::optional<EarlierCopy>();
  return records.value()->find(names, key, staged);
}

Status Spool::expire_marks_and_records() {
  auto marks = open_store(marks_, kMarks, Missing::kIgnore);
  if (!marks) return marks.error();
  if (marks.value() != nullptr) {
    if (auto expired = marks.value()->expire(); !expired) return expired.error();
  }
  auto records = open_store(records_, kDone, Missing::kIgnore);
  if (!records) return records.error();
  return records.value() == nullptr ? Status() : records.value()->expire(options_.window);
}

}  // namespace handoff::spool
