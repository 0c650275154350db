#include "spool/outgoing_queue.hh"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <unordered_set>

#include "base/text.hh"
#include "spool/access.hh"
#include "spool/shared.hh"
#include "sys/clock.hh"

namespace handoff::spool {
namespace {

constexpr std::string_view kNew = ",new";
constexpr std::string_view kReady = ",ready";
constexpr std::string_view kFailed = ",failed";
constexpr std::size_t kReadSize = 64 << 10;  // octets

std::string as(const std::string& name, std::string_view state) {
  return name + std::string(state);
}

// "X,N=1" of "X,N=1,ready"; nothing if the file has another suffix.
std::optional<std::string> without(std::string_view file, std::string_view suffix) {
  if (!file.ends_with(suffix)) return std::nullopt;
  return std::string(file.substr(0, file.size() - suffix.size()));
}

// "X" of "X,N=1"
std::string staged_name(std::string_view name) {
  return std::string(name.substr(0, name.find(',')));
}

// When the message was received: the name begins with it.
std::chrono::sys_seconds time_of(std::string_view name) {
  auto seconds = parse_number(name.substr(0, name.find('.'))).value_or(0);
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

bool is_gone(const Error& error) { return error.code == ENOENT; }

}  // namespace

Result<std::string> OutgoingQueue::add(const Staged& staged, unsigned number,
                                       const Outgoing& message, Durable durable) {
  auto name = staged.name + ",N=" + std::to_string(number);
  auto added = write_envelope(staged, name, message, durable);
  if (added && !message.text) {
    added = add_name(*files_, *staged.folder, staged.name, directory_, name, shared_);
  }
  if (added && durable == Durable::kByDirectory) {
    added = message.text ? files_->sync_directory(directory_)
                         : sync_name(*files_, directory_, name, shared_);
  }
  if (added) return name;
  auto error = added.error();
  take_back(name, *staged.folder);
  error.path = ".handoff/outgoing/" + name;
  return error;
}

// On a shared filesystem it is created in staging, and moved.
Status OutgoingQueue::write_envelope(const Staged& staged, const std::string& name,
                                     const Outgoing& message, Durable durable) {
  const auto& at = shared_ ? *staged.folder : directory_;
  auto file = files_->create(at, as(name, kNew), kFileMode);
  if (!file) return file.error();
  auto filled = fill_envelope(std::move(file).value(), staged, name, message, durable);
  if (!filled && shared_) static_cast<void>(files_->unlink(at, as(name, kNew)).ok());
  return filled;
}

Status OutgoingQueue::fill_envelope(sys::Fd file, const Staged& staged, const std::string& name,
                                    const Outgoing& message, Durable durable) {
  auto now = std::chrono::floor<std::chrono::seconds>(sys::Wall::now());
  if (auto done = files_->write(file, pack({message, now})); !done) return done;
  if (shared_) {
    auto moved = move_name(*files_, *staged.folder, as(name, kNew), directory_, as(name, kNew));
    if (!moved) return moved;
  }
  auto synced = durable == Durable::kByOrder                ? files_->write_out(file)
                : shared_ || durable == Durable::kWithNames ? files_->sync_file(file)
                                                            : files_->sync_data(file);
  if (!synced) return synced;
  return files_->close(std::move(file));
}

Status OutgoingQueue::commit(const std::string& name, bool sync) {
  if (!sync) return files_->rename(directory_, as(name, kNew), directory_, as(name, kReady));
  // If names have no order, a rename may lose both of them in a power cut.
  auto done = files_->link(directory_, as(name, kNew), directory_, as(name, kReady));
  // Another process that starts after a crash has just done it.
  if (!done && done.error().code == EEXIST) done = {};
  if (done) done = sync_name(*files_, directory_, as(name, kReady), shared_);
  if (done) static_cast<void>(files_->unlink(directory_, as(name, kNew)).ok());
  return done;
}

// Removes the envelope first, so that there is never an envelope without its message.
template <class Remove>
void OutgoingQueue::remove(const std::string& name, Remove remove) {
  for (auto state : {kNew, kReady}) remove(as(name, state));
  remove(name);
}

void OutgoingQueue::take_back(const std::string& name, const sys::Fd& staging) {
  remove(name, [&](const std::string& file) {
    static_cast<void>(spool::take_back(*files_, directory_, file, staging, shared_).ok());
  });
}

Result<std::vector<std::string>> OutgoingQueue::ready() {
  auto files = files_->list(directory_);
  if (!files) return files.error();
  std::vector<std::string> names;
  for (const auto& file : files.value()) {
    if (auto name = without(file, kReady)) names.push_back(*name);
  }
  std::ranges::sort(names);
  return names;
}

Result<Envelope> OutgoingQueue::read(const std::string& name) {
  return read_envelope(as(name, kReady));
}

Result<Envelope> OutgoingQueue::read_envelope(const std::string& file) {
  auto opened = files_->open_file(directory_, file);
  if (!opened) return opened.error();
  std::string octets;
  for (;;) {
    auto before = octets.size();
    octets.resize(before + kReadSize);
    auto n = files_->read_at(opened.value(), before, octets.data() + before, kReadSize);
    if (!n) return n.error();
    octets.resize(before + n.value());
    if (n.value() == 0) break;
  }
  auto envelope = unpack_envelope(octets);
  if (!envelope) return explained(EBADMSG, "the envelope is damaged", ".handoff/outgoing/" + file);
  return *std::move(envelope);
}

// If the second name remains, recover() removes it. On a shared filesystem a sync of the file that
// has lost its name makes the removal durable (shared.hh).
Status OutgoingQueue::sent(const std::string& name) {
  auto envelope =
      shared_ ? files_->open_file(directory_, as(name, kReady)) : Result<sys::Fd>(sys::Fd());
  if (!envelope) return envelope.error();
  if (auto done = files_->unlink(directory_, as(name, kReady)); !done) return done;
  if (shared_) {
    if (auto synced = files_->sync_file(envelope.value()); !synced) return synced;
  }
  // The name of the uncommitted message may have come back in a power cut.
  static_cast<void>(files_->unlink(directory_, as(name, kNew)).ok());
  static_cast<void>(files_->unlink(directory_, name).ok());
  return files_->sync_directory(directory_);
}

Status OutgoingQueue::give_up(const std::string& name) {
  auto done = files_->rename(directory_, as(name, kReady), directory_, as(name, kFailed));
  return done ? sync_name(*files_, directory_, as(name, kFailed), shared_) : done;
}

Result<Backlog> OutgoingQueue::backlog() {
  auto files = files_->list(directory_);
  if (!files) return files.error();
  Backlog out;
  for (const auto& file : files.value()) {
    if (file.ends_with(kFailed)) ++out.failed;
    if (!file.ends_with(kReady)) continue;
    ++out.waiting;
    if (!out.oldest || time_of(file) < *out.oldest) out.oldest = time_of(file);
  }
  return out;
}

Result<unsigned> OutgoingQueue::recover(
    const std::function<bool(const std::string&)>& is_over,
    const std::function<Result<bool>(const std::string&, const std::string&)>& is_committed) {
  auto files = files_->list(directory_);
  if (!files) return files.error();
  std::unordered_set<std::string_view> all(files.value().begin(), files.value().end());
  unsigned changed = 0;
  for (const auto& file : files.value()) {
    if (file.ends_with(kReady) || file.ends_with(kFailed)) continue;
    auto fresh = without(file, kNew);
    auto name = fresh.value_or(file);
    if (all.contains(as(name, kReady)) || all.contains(as(name, kFailed))) continue;
    if (!is_over(staged_name(name))) continue;
    if (fresh) {
      auto decided = decide(name, is_committed);
      if (!decided) return decided.error();
      if (decided.value()) ++changed;
      continue;
    }
    // A message without an envelope. The list may have missed one that was renamed meanwhile.
    auto has = [&](std::string_view state) {
      auto info = files_->info_at(directory_, as(name, state));
      return info || !is_gone(info.error());
    };
    if (has(kNew) || has(kReady) || has(kFailed)) continue;
    if (files_->unlink(directory_, name)) ++changed;
  }
  return changed;
}

// Returns whether it has changed anything.
Result<bool> OutgoingQueue::decide(
    const std::string& name,
    const std::function<Result<bool>(const std::string&, const std::string&)>& is_committed) {
  auto envelope = read_envelope(as(name, kNew));
  if (!envelope && is_gone(envelope.error())) return false;
  // A damaged envelope was never durable, so the message was never answered with 250.
  if (!envelope && envelope.error().code != EBADMSG) return envelope.error();
  bool keep = false;
  if (envelope) {
    auto committed = is_committed(staged_name(name), envelope.value().message.record);
    if (!committed) return committed.error();
    keep = committed.value();
  }
  if (keep && !envelope.value().message.text) {
    auto message = files_->open_file(directory_, name);
    if (!message && !is_gone(message.error())) return message.error();
    keep = message.ok();
    // The process that stored the message may have died before the sync.
    if (keep) {
      if (auto synced = files_->sync_file(message.value()); !synced) return synced.error();
    }
  }
  if (!keep) {
    remove(name, [&](const std::string& file) {
      static_cast<void>(files_->unlink(directory_, file).ok());
    });
    return true;
  }
  auto done = commit(name, true);
  return done || is_gone(done.error()) ? Result<bool>(true) : done.error();
}

}  // namespace handoff::spool
