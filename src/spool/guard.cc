#include "spool/guard.hh"

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/text.hh"
#include "spool/crowd_folder.hh"
#include "spool/earlier_copy.hh"
#include "spool/maildir.hh"
#include "spool/name.hh"
#include "sys/clock.hh"

namespace handoff::spool {
namespace {

using namespace std::chrono_literals;

// A try that is still committing is waited for this long; then the retry is put off.
constexpr auto kCommitPatience = 30s;
// One that has replied mostly hears at once that it was read. A client that is still there and has
// not read, or that the network has lost without a word, is not waited for.
constexpr auto kReplyPatience = 1s;
constexpr auto kLook = 5ms;
// Two tries of a message differ in their trace header alone: id, date, for, Delivered-To, octets.
constexpr std::uint64_t kTraceDifference = 2048;

// NAME,S=size in unread/.
std::string marker_of(const std::string& name, std::uint64_t size) { return with_size(name, size); }

std::string hash_of(const std::string& place) {
  static constexpr char kHex[] = "0123456789abcdef";
  auto digest = sys::sha256(place);
  std::string hash;
  for (std::size_t i = 0; i < 8; ++i) {
    hash += kHex[digest[i] >> 4];
    hash += kHex[digest[i] & 15];
  }
  return hash;
}

// What was read by the client for one place of a marker.
std::string spent_mark(const std::string& marker, const std::string& place) {
  return marker + ",R=" + hash_of(place);
}

// What makes a marker one for this place alone.
std::string place_mark(const std::string& place) { return ",D=" + hash_of(place); }

std::optional<std::uint64_t> size_in(std::string_view marker) {
  auto at = marker.rfind(",S=");
  if (at == marker.npos) return std::nullopt;
  return parse_number(marker.substr(at + 3));
}

std::string name_in(const std::string& marker) { return marker.substr(0, marker.rfind(",S=")); }

bool is_near(std::uint64_t a, std::uint64_t b) {
  return (a > b ? a - b : b - a) <= kTraceDifference;
}

}  // namespace

Result<Guard> Guard::open(sys::Files& files, const sys::Fd& root, const sys::Fd& staging,
                          const sys::Fd& unread, Ledger ledger, bool on) {
  Guard guard(files, root, staging, unread, std::move(ledger), on);
  auto names = files.list(unread);
  if (!names) return names.error();
  if (!names.value().empty()) guard.ledger_.set_unread(true);
  auto inherited = guard.ledger_.inherited();
  if (inherited.phase != Ledger::Phase::kFree) {
    auto noted = guard.take_over(inherited.name, inherited.size);
    if (!noted) return noted.error();
  }
  guard.ledger_.forget_inherited();
  return guard;
}

void Guard::enter(const Staging& staging, const std::vector<std::string>& places) {
  spent_.clear();
  unheard_.clear();
  half_closed_ = false;
  waiting_since_.reset();
  if (on_) ledger_.enter(staging.digest(), staging.name(), staging.size(), places);
}

// Waits for earlier tries of the same message that are still under way; notes those that died.
// Returns the markers that those would have which have replied and do not know whether they were
// heard.
Result<std::vector<std::string>> Guard::await_others(const Staging& staging,
                                                     const std::string& place) {
  std::vector<std::string> unheard;
  for (const auto& entry : ledger_.others(staging.digest(), place)) {
    if (!entry.alive) {
      if (auto noted = take_over(entry.name, entry.size); !noted) return noted.error();
      continue;
    }
    if (!entry.first) continue;
    auto marker = marker_of(entry.name, entry.size);
    std::optional<sys::Steady::time_point> replied;
    for (auto phase = entry.phase; phase != Ledger::Phase::kFree;) {
      auto now = sys::Steady::now();
      if (!waiting_since_) waiting_since_ = now;
      if (phase == Ledger::Phase::kReplied) {
        if (!replied) replied = now;
        if (now - *replied > kReplyPatience ||
            std::ranges::find(unheard_, marker) != unheard_.end()) {
          unheard_.push_back(marker);
          unheard.push_back(marker);
          break;
        }
      } else if (now - *waiting_since_ > kCommitPatience) {
        return Error{ETIMEDOUT, "another delivery of the same message is under way", place};
      }
      std::this_thread::sleep_for(kLook);
      bool died = !ledger_.is_alive(entry);
      phase = ledger_.look_again(entry);
      if (died && phase != Ledger::Phase::kFree) {
        if (auto noted = take_over(entry.name, entry.size); !noted) return noted.error();
        break;
      }
    }
  }
  return unheard;
}

// The markers that later tries of `staging` would have which are over: it was still on its way from
// a client that had gone, when that came back and was heard to its end.
std::vector<std::string> Guard::overtaking(const Staging& staging) const {
  std::vector<std::string> markers;
  if (!half_closed_) return markers;
  for (const auto& entry : ledger_.past(staging.digest())) {
    if (entry.name > staging.name()) markers.push_back(marker_of(entry.name, entry.size));
  }
  return markers;
}

// The markers of messages that may be earlier tries of `staging`, by their size; `unheard` too.
Result<std::vector<std::string>> Guard::candidates(const Staging& staging, const std::string& place,
                                                   std::vector<std::string> unheard) {
  auto later = overtaking(staging);
  if (!ledger_.has_unread() && unheard.empty()) return later;
  auto names = files_->list(*unread_);
  if (!names) return names.error();
  auto here = place_mark(place);
  auto found = std::move(unheard);
  std::unordered_set<std::string_view> all(names.value().begin(), names.value().end());
  for (const auto& marker : names.value()) {
    std::string_view of_message = marker;
    if (of_message.ends_with(here)) of_message.remove_suffix(here.size());
    auto size = size_in(of_message);
    if (size && is_near(*size, staging.size())) found.push_back(marker);
  }
  // What a later try was answered by is this one's copy as well.
  if (later.empty()) {
    std::erase_if(found,
                  [&](const auto& marker) { return all.contains(spent_mark(marker, place)); });
  }
  found.insert(found.end(), later.begin(), later.end());
  return found;
}

Result<std::optional<std::string>> Guard::find_earlier(const Staging& staging,
                                                       const Mailbox& mailbox) {
  using Found = std::optional<EarlierCopy>;
  return find_earlier(
      staging, mailbox, [&](const std::vector<std::string>& names) -> Result<Found> {
        auto directory = open_in(*files_, *root_, mailbox, "");
        if (!directory && directory.error().code == ENOENT) return Found();
        if (!directory) return directory.error();
        auto file = files_->open_file(staging.directory(), staging.name());
        if (!file) return file.error();
        return find_earlier_copy(
            *files_, directory.value(), names,
            {file.value(), staging.name(), staging.size(), staging.content_offset()});
      });
}

Result<std::optional<std::string>> Guard::find_earlier(const Staging& staging,
                                                       const Mailbox& mailbox, const Look& look) {
  using Found = std::optional<std::string>;
  if (!on_) return Found();
  auto place = mailbox.place();
  auto unheard = await_others(staging, place);
  if (!unheard) return unheard.error();
  auto markers = candidates(staging, place, std::move(unheard).value());
  if (!markers) return markers.error();
  if (markers.value().empty()) return Found();
  std::vector<std::string> names;
  for (const auto& marker : markers.value()) names.push_back(name_in(marker));
  auto found = look(names);
  if (!found) return found.error();
  if (!found.value()) return Found();
  for (const auto& marker : markers.value()) {
    if (name_in(marker) == found.value()->name) spent_.push_back(spent_mark(marker, place));
  }
  return Found(found.value()->file);
}

void Guard::confirmed() {
  ledger_.leave();
  // Not synced: that a mark is lost with the power means that a third try is taken for a second.
  for (const auto& mark : spent_) static_cast<void>(files_->create(*unread_, mark, 0600).ok());
  spent_.clear();
}

Status Guard::note(const std::string& marker) {
  if (!on_) return {};
  auto made = files_->create(*unread_, marker, 0600);
  if (!made && made.error().code != EEXIST) {
    // No room for another file: the staged one, if it is still there, is as good.
    auto name = name_in(marker);
    auto linked = where_staged(*files_, *staging_, name, [&](const sys::Fd& folder) {
      return files_->link(folder, name, *unread_, marker);
    });
    if (!linked && linked.error().code != EEXIST) return made.error();
  }
  // Before the slot is given up, so that whoever sees that free sees this.
  ledger_.set_unread(true);
  return files_->sync_directory(*unread_);
}

Status Guard::doubt(const Staging& staging, const std::string& place) {
  return note(marker_of(staging.name(), staging.size()) + place_mark(place));
}

Status Guard::take_over(const std::string& name, std::uint64_t size) {
  return note(marker_of(name, size));
}

Status Guard::vanished(const std::string& name, std::uint64_t size) {
  spent_.clear();
  auto noted = note(marker_of(name, size));
  ledger_.leave();
  return noted;
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
  // Another process may note one just now; it says so itself, behind its file's making.
  if (left == 0) {
    ledger_.set_unread(false);
    auto again = files_->list(*unread_);
    if (!again) return again.error();
    if (!again.value().empty()) ledger_.set_unread(true);
  }
  return {};
}

}  // namespace handoff::spool
