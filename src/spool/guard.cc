#include "spool/guard.hh"

#include <algorithm>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/text.hh"
#include "spool/maildir.hh"
#include "spool/name.hh"
#include "spool/shared.hh"
#include "spool/staging_folder.hh"

namespace handoff::spool {
namespace {

using namespace std::chrono_literals;

// How long a retry waits for an attempt that is still committing, before the retry gets a 4xx.
constexpr auto kCommitPatience = 30s;
// A worker that has sent its replies usually learns immediately that they were read. If the client
// exists but does not read, or the network has lost it, waiting longer is useless.
constexpr auto kReplyPatience = 1s;
constexpr auto kTryPoll = 5ms;
// Two attempts at a message differ only in their trace header: id, date, for, Delivered-To, octets.
constexpr std::uint64_t kTraceDifference = 2048;

// Returns the name of a marker, NAME,S=size in unread/.
std::string marker_of(const std::string& name, std::uint64_t size) { return with_size(name, size); }

std::string hash_of(const std::string& place) {
  return sys::hex(sys::digest_of(place)).substr(0, 16);
}

// Records that the client has read the reply to a retry of the marker's message for one place.
std::string answered_mark(const std::string& marker, const std::string& place) {
  return marker + ",R=" + hash_of(place);
}

// Restricts a marker to this place.
std::string place_mark(const std::string& place) { return ",D=" + hash_of(place); }

std::optional<std::uint64_t> size_in(std::string_view marker) {
  auto at = marker.rfind(",S=");
  if (at == marker.npos) return std::nullopt;
  return parse_number(marker.substr(at + 3));
}

std::string name_in(const std::string& marker) { return marker.substr(0, marker.rfind(",S=")); }

// Returns NAME,S=size, the name that the message has in a mailbox unless something was added to it.
std::string file_in(const std::string& marker) {
  return marker.substr(0, marker.find(',', marker.rfind(",S=") + 1));
}

bool is_near(std::uint64_t a, std::uint64_t b) {
  return (a > b ? a - b : b - a) <= kTraceDifference;
}

}  // namespace

Status record_unread(sys::Files& files, const sys::Fd& unread, const std::string& name,
                     std::uint64_t size) {
  auto marker = marker_of(name, size);
  auto made = files.create(unread, marker, kFileMode);
  if (!made && made.error().code != EEXIST) return made.error();
  return sync_name(files, unread, marker, true);
}

Result<Guard> Guard::open(sys::Files& files, const sys::Fd& staging, const sys::Fd& unread,
                          Ledger ledger, bool on) {
  Guard guard(files, staging, unread, std::move(ledger), on);
  auto names = files.list(unread);
  if (!names) return names.error();
  if (!names.value().empty()) guard.ledger_.set_unread(true);
  auto inherited = guard.ledger_.inherited();
  if (inherited.phase != Ledger::Phase::kFree) {
    auto noted = guard.note(inherited.name, inherited.size);
    if (!noted) return noted.error();
  }
  guard.ledger_.forget_inherited();
  return guard;
}

void Guard::enter(const Staging& staging, const std::vector<std::string>& places) {
  if (on_) ledger_.enter(staging.digest(), staging.name(), staging.size(), places);
}

// Returns the attempts at the same message that are in progress and began before it. Records those
// that died.
Result<std::vector<Guard::Other>> Guard::earlier_tries(const Staging& staging,
                                                       const std::string& place) {
  std::vector<Other> others;
  for (auto& entry : ledger_.others(staging.digest(), place)) {
    if (!entry.alive) {
      if (auto noted = note(entry.name, entry.size); !noted) return noted.error();
    } else if (entry.first) {
      others.push_back({std::move(entry)});
    }
  }
  return others;
}

// kSilent: the attempt has sent its replies, and its client has not shown that it has read them; so
// this message may be a retry of it.
Result<Guard::Try> Guard::look_at(Tries& tries, Other& other, const std::string& place) {
  bool died = !ledger_.is_alive(other.entry);
  auto phase = ledger_.look_again(other.entry);
  if (phase == Ledger::Phase::kFree) return Try::kOver;
  if (died) {
    auto noted = note(other.entry.name, other.entry.size);
    return noted ? Result<Try>(Try::kOver) : noted.error();
  }
  auto now = sys::Steady::now();
  if (!tries.waiting_since) tries.waiting_since = now;
  bool too_long = now - *tries.waiting_since > kCommitPatience;
  if (phase == Ledger::Phase::kReplied) {
    if (!other.replied) other.replied = now;
    auto marker = marker_of(other.entry.name, other.entry.size);
    bool known = std::ranges::find(tries.silent, marker) != tries.silent.end();
    if (known || too_long || now - *other.replied > kReplyPatience) return Try::kSilent;
  } else if (too_long) {
    return explained(ETIMEDOUT, "another delivery of the same message is in progress", place);
  }
  return Try::kUnderWay;
}

// Waits until all of the others are over, or some of them are silent, and returns the markers that
// the silent ones would have. Removes from `others` those for which it no longer waits.
Result<std::vector<std::string>> Guard::await(Tries& tries, std::vector<Other>& others,
                                              const std::string& place) {
  std::vector<std::string> silent;
  while (!others.empty() && silent.empty()) {
    std::vector<Other> left;
    for (auto& other : others) {
      auto state = look_at(tries, other, place);
      if (!state) return state.error();
      if (state.value() == Try::kSilent) {
        silent.push_back(marker_of(other.entry.name, other.entry.size));
      } else if (state.value() == Try::kUnderWay) {
        left.push_back(std::move(other));
      }
    }
    others = std::move(left);
    if (!others.empty() && silent.empty()) std::this_thread::sleep_for(kTryPoll);
  }
  tries.silent.insert(tries.silent.end(), silent.begin(), silent.end());
  return silent;
}

// Returns the markers that later, finished attempts at `staging` would have. Such an attempt exists
// if the client of `staging` went away while its content was still arriving, came back, sent the
// message again and read the replies.
std::vector<std::string> Guard::overtaking(const Tries& tries, const Staging& staging) const {
  std::vector<std::string> markers;
  if (!tries.half_closed) return markers;
  for (const auto& entry : ledger_.past(staging.digest())) {
    if (entry.name > staging.name()) markers.push_back(marker_of(entry.name, entry.size));
  }
  return markers;
}

// Returns the markers, including `silent`, of messages that may be earlier attempts at `staging`,
// judging by their size.
Result<std::vector<std::string>> Guard::candidates(const Tries& tries, const Staging& staging,
                                                   const std::string& place,
                                                   std::vector<std::string> silent) {
  auto later = overtaking(tries, staging);
  if (!ledger_.has_unread() && silent.empty()) return later;
  auto names = files_->list(*unread_);
  if (!names) return names.error();
  auto here = place_mark(place);
  auto found = std::move(silent);
  std::unordered_set<std::string_view> all(names.value().begin(), names.value().end());
  for (const auto& marker : names.value()) {
    std::string_view of_message = marker;
    if (of_message.ends_with(here)) of_message.remove_suffix(here.size());
    auto size = size_in(of_message);
    if (size && is_near(*size, staging.size())) found.push_back(marker);
  }
  // The copy for which a later attempt got a 250 is also the copy of this attempt.
  if (later.empty()) {
    std::erase_if(found,
                  [&](const auto& marker) { return all.contains(answered_mark(marker, place)); });
  }
  found.insert(found.end(), later.begin(), later.end());
  return found;
}

// Searches as soon as an attempt is silent: if that attempt has delivered the message, there is no
// need to wait for any other.
Result<std::optional<std::string>> Guard::find_earlier(Tries& tries, const Staging& staging,
                                                       const std::string& place,
                                                       const Search& search) {
  if (!on_) return std::optional<std::string>();
  auto others = earlier_tries(staging, place);
  if (!others) return others.error();
  for (;;) {
    auto silent = await(tries, others.value(), place);
    if (!silent) return silent.error();
    auto found = search_for(tries, staging, place, std::move(silent).value(), search);
    if (!found || found.value() || others.value().empty()) return found;
  }
}

Result<std::optional<std::string>> Guard::search_for(Tries& tries, const Staging& staging,
                                                     const std::string& place,
                                                     std::vector<std::string> silent,
                                                     const Search& search) {
  using Found = std::optional<std::string>;
  auto markers = candidates(tries, staging, place, std::move(silent));
  if (!markers) return markers.error();
  if (markers.value().empty()) return Found();
  std::vector<std::string> names;
  for (const auto& marker : markers.value()) names.push_back(file_in(marker));
  auto found = search(names);
  if (!found) return found.error();
  if (!found.value()) return Found();
  for (const auto& marker : markers.value()) {
    if (name_in(marker) == found.value()->name) {
      tries.answered.push_back(answered_mark(marker, place));
    }
  }
  return Found(found.value()->file);
}

void Guard::mark_answered(const Tries& tries) {
  // Not synced: if a power cut loses a mark, a third attempt counts as a second one.
  for (const auto& mark : tries.answered) {
    static_cast<void>(files_->create(*unread_, mark, kFileMode).ok());
  }
}

Status Guard::make_marker(const std::string& marker) {
  if (!on_) return {};
  auto made = files_->create(*unread_, marker, kFileMode);
  if (!made && made.error().code != EEXIST) {
    // If there is no room for another file, a link to the staged one serves as well.
    auto name = name_in(marker);
    auto linked = where_staged(*files_, *staging_, name, [&](const sys::Fd& folder) {
      return files_->link(folder, name, *unread_, marker);
    });
    if (!linked && linked.error().code != EEXIST) return made.error();
  }
  // Set before the slot is freed, so that a process that sees the slot free also sees this.
  ledger_.set_unread(true);
  return sync_name(*files_, *unread_, marker, files_->is_shared(*unread_));
}

Status Guard::note_uncertain(const Staging& staging, const std::string& place) {
  return make_marker(marker_of(staging.name(), staging.size()) + place_mark(place));
}

Status Guard::note(const std::string& name, std::uint64_t size) {
  return make_marker(marker_of(name, size));
}

Status Guard::expire(std::chrono::seconds window) {
  auto markers = files_->list(*unread_);
  if (!markers) return markers.error();
  std::size_t left = 0;
  for (const auto& marker : markers.value()) {
    auto info = files_->info_at(*unread_, marker);
    bool old = info && sys::Wall::now() - info.value().modified > window;
    if (!old || !files_->unlink(*unread_, marker)) ++left;
  }
  // If another process is adding a marker now, it sets the flag after it has created its file.
  if (left == 0) {
    ledger_.set_unread(false);
    auto again = files_->list(*unread_);
    if (!again) return again.error();
    if (!again.value().empty()) ledger_.set_unread(true);
  }
  return {};
}

}  // namespace handoff::spool
