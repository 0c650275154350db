#include "spool/marks.hh"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <optional>
#include <string_view>

#include "base/netstring.hh"
#include "base/text.hh"
#include "spool/access.hh"
#include "spool/shared.hh"
#include "sys/clock.hh"
#include "sys/digest.hh"

namespace handoff::spool {
namespace {

constexpr unsigned kMostRungs = 40;  // 2^39 seconds is longer than any mark counts
constexpr std::string_view kRung = ",L=";

// A digest that is not cryptographic is enough: an author who makes two ids with the same digest
// only hides a message of their own.
std::string digest_of(const UserMark& mark) {
  std::string octets;
  add_netstring(octets, mark.user);
  add_netstring(octets, mark.kind == UserMark::Kind::kVacation ? "vacation" : "duplicate");
  add_netstring(octets, mark.id);
  return sys::hex(sys::digest_of(octets));
}

std::string folder_of(const std::string& hash) { return hash.substr(0, 2); }

// Returns the least n with 2^n >= seconds.
unsigned rung_of(std::uint64_t seconds) {
  auto n = static_cast<unsigned>(std::bit_width(seconds > 0 ? seconds - 1 : 0));
  return std::min(n, kMostRungs - 1);
}

std::string file_of(const std::string& hash, unsigned rung) {
  return hash + std::string(kRung) + std::to_string(rung);
}

std::optional<std::uint64_t> seconds_in(std::string_view file) {
  auto at = file.rfind(kRung);
  if (at == file.npos) return std::nullopt;
  auto rung = parse_number(file.substr(at + kRung.size()));
  if (!rung || *rung >= kMostRungs) return std::nullopt;
  return std::uint64_t{1} << *rung;
}

// Returns whether a mark of that time still counts. After the clock was set back, a mark may have a
// time in the future; it counts like one in the past.
bool counts(std::chrono::system_clock::time_point set, std::uint64_t seconds) {
  // Counts whole seconds, because 64 bits of nanoseconds reach only 292 years.
  auto age = std::chrono::floor<std::chrono::seconds>(sys::Wall::now() - set);
  return std::chrono::abs(age) < std::chrono::seconds(seconds);
}

}  // namespace

Result<sys::Fd> Marks::open(const std::string& hash, bool make) {
  auto name = folder_of(hash);
  auto folder = files_->open_directory(directory_, name);
  if (folder || folder.error().code != ENOENT || !make) return folder;
  auto made = files_->make_directory(directory_, name, kDirectoryMode);
  if (!made && made.error().code != EEXIST) return made.error();
  if (auto synced = files_->sync_directory(directory_); !synced) return synced.error();
  return files_->open_directory(directory_, name);
}

// Accepts a mark with any n, because the script may have changed how long the mark counts.
Result<bool> Marks::seen(const UserMark& mark) {
  auto hash = digest_of(mark);
  auto folder = open(hash, false);
  if (!folder && folder.error().code == ENOENT) return false;
  if (!folder) return folder.error();
  for (unsigned rung = 0; rung < kMostRungs; ++rung) {
    auto info = files_->info_at(folder.value(), file_of(hash, rung));
    if (!info && info.error().code == ENOENT) continue;
    if (!info) return info.error();
    if (counts(info.value().modified, std::min(mark.seconds, std::uint64_t{1} << rung))) {
      return true;
    }
  }
  return false;
}

Status Marks::set(const UserMark& mark, Durable durable) {
  if (mark.seconds == 0) return {};
  auto hash = digest_of(mark);
  auto folder = open(hash, true);
  if (!folder) return folder.error();
  auto name = file_of(hash, rung_of(mark.seconds));
  auto file = files_->create(folder.value(), name, kFileMode);
  if (!file && file.error().code == EEXIST) {
    // The new one has the new time.
    static_cast<void>(files_->unlink(folder.value(), name).ok());
    file = files_->create(folder.value(), name, kFileMode);
  }
  // Another process has just set it.
  if (!file && file.error().code == EEXIST) return {};
  if (!file) return file.error();
  if (durable == Durable::kWithNames) return files_->sync_file(file.value());
  if (durable == Durable::kByDirectory) return sync_name(*files_, folder.value(), name, shared_);
  return {};
}

void Marks::unset(const UserMark& mark) {
  if (mark.seconds == 0) return;
  auto hash = digest_of(mark);
  auto folder = open(hash, false);
  if (!folder) return;
  static_cast<void>(files_->unlink(folder.value(), file_of(hash, rung_of(mark.seconds))).ok());
}

Result<std::uint64_t> Marks::expire() {
  auto folders = files_->list(directory_);
  if (!folders) return folders.error();
  std::uint64_t removed = 0;
  for (const auto& each : folders.value()) {
    auto folder = files_->open_directory(directory_, each);
    if (!folder) continue;
    auto marks = files_->list(folder.value());
    if (!marks) continue;
    for (const auto& mark : marks.value()) {
      auto seconds = seconds_in(mark);
      auto info = files_->info_at(folder.value(), mark);
      if (!seconds || !info || counts(info.value().modified, *seconds)) continue;
      if (files_->unlink(folder.value(), mark)) ++removed;
    }
  }
  return removed;
}

}  // namespace handoff::spool
