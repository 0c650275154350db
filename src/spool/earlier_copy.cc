#include "spool/earlier_copy.hh"

#include <algorithm>
#include <array>
#include <string_view>

#include "spool/name.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kBuffer = 16 << 10;  // octets
constexpr std::uint64_t kMaxTrace = 4096;  // no trace header of ours is longer, octets

// Whether the last octets of `earlier` are the content of `staged` from `content` on.
Result<bool> same_content(sys::Files& files, const sys::Fd& earlier, std::uint64_t earlier_size,
                          const sys::Fd& staged, std::uint64_t staged_size, std::uint64_t content) {
  auto length = staged_size - content;
  if (earlier_size < length || earlier_size - length > kMaxTrace) return false;
  std::array<char, kBuffer> one;
  std::array<char, kBuffer> other;
  std::uint64_t at = 0;
  while (at < length) {
    auto wanted = std::min<std::uint64_t>(kBuffer, length - at);
    auto n = files.read_at(earlier, earlier_size - length + at, one.data(), wanted);
    if (!n) return n.error();
    auto m = files.read_at(staged, content + at, other.data(), wanted);
    if (!m) return m.error();
    auto both = std::min(n.value(), m.value());
    if (both == 0) return false;
    if (!std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(both), other.begin())) {
      return false;
    }
    at += both;
  }
  return true;
}

// "1764.M1P2Q3R4.host,S=5:2,S" begins with the name "1764.M1P2Q3R4.host".
bool is_named(std::string_view file, std::string_view name) {
  return file.starts_with(name) &&
         (file.size() == name.size() || file[name.size()] == ',' || file[name.size()] == ':');
}

}  // namespace

Result<std::optional<std::string>> find_earlier_copy(sys::Files& files, const sys::Fd& place,
                                                     const std::string& name,
                                                     const Staging& staging) {
  auto staged = files.open_file(staging.directory(), staging.name());
  if (!staged) return staged.error();
  for (const char* folder : {"new", "cur"}) {
    auto directory = files.open_directory(place, folder);
    if (!directory && directory.error().code == ENOENT) continue;
    if (!directory) return directory.error();
    auto listed = files.list(directory.value());
    if (!listed) return listed.error();
    for (const auto& file : listed.value()) {
      if (!is_named(file, name)) continue;
      auto earlier = files.open_file(directory.value(), file);
      if (!earlier && earlier.error().code == ENOENT) continue;  // a reader has moved it
      if (!earlier) return earlier.error();
      auto info = files.info(earlier.value());
      if (!info) return info.error();
      auto same = same_content(files, earlier.value(), info.value().size, staged.value(),
                               staging.size(), staging.content_offset());
      if (!same) return same.error();
      if (!same.value()) continue;
      // The earlier try may have died before it synced: the 250 that follows needs it.
      if (auto synced = files.sync_directory(directory.value()); !synced) return synced.error();
      return std::optional(std::string(folder) + "/" + file);
    }
  }
  return std::optional<std::string>();
}

}  // namespace handoff::spool
