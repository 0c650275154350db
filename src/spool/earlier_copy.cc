#include "spool/earlier_copy.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <unordered_set>

#include "spool/name.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kBuffer = 16 << 10;  // octets
constexpr std::uint64_t kMaxTrace = 4096;  // no trace header of ours is longer, octets

// Whether the header that ends here is the one that the message `id` was given: its last field,
// Received:, says so (RFC 5321 4.4). What another message has more at its top does not.
bool is_trace_of(std::string_view header, const std::string& id) {
  if (header.empty()) return true;
  if (header.back() != '\n') return false;
  auto field = header;
  for (auto above = header.substr(0, header.size() - 1);;) {
    auto line = above.rfind('\n');
    if (line == above.npos) break;
    field = header.substr(line + 1);
    if (field.front() != '\t' && field.front() != ' ') break;
    above = above.substr(0, line);
  }
  auto at = field.find(" id " + id);
  if (at == field.npos) return false;
  auto behind = field.at(at + 4 + id.size());
  return behind == ';' || behind == '\r' || behind == '\n';
}

// Whether `earlier`, which was given `id`, holds the content of `staged` from `content` on.
Result<bool> same_content(sys::Files& files, const sys::Fd& earlier, std::uint64_t earlier_size,
                          const std::string& id, const Staged& staged) {
  auto content = staged.content_offset;
  auto length = staged.size - content;
  if (earlier_size < length || earlier_size - length > kMaxTrace) return false;
  std::string header(earlier_size - length, '\0');
  auto n = files.read_at(earlier, 0, header.data(), header.size());
  if (!n) return n.error();
  if (n.value() != header.size() || !is_trace_of(header, id)) return false;
  std::array<char, kBuffer> one;
  std::array<char, kBuffer> other;
  std::uint64_t at = 0;
  while (at < length) {
    auto wanted = std::min<std::uint64_t>(kBuffer, length - at);
    n = files.read_at(earlier, header.size() + at, one.data(), wanted);
    if (!n) return n.error();
    auto m = files.read_at(staged.file, content + at, other.data(), wanted);
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

// "1764.M1P2Q3R4.host,S=5:2,S" was delivered as "1764.M1P2Q3R4.host".
std::string_view name_of(std::string_view file) { return file.substr(0, file.find_first_of(",:")); }

// Whether it passes. With any other the file is none that a reader could read either: that is no
// copy, and no reason to take no mail.
bool passes(const Error& error) {
  return error.code == EMFILE || error.code == ENFILE || error.code == ENOMEM;
}

}  // namespace

Result<std::optional<EarlierCopy>> find_earlier_copy(sys::Files& files, const sys::Fd& place,
                                                     const std::vector<std::string>& names,
                                                     const Staged& staged) {
  std::unordered_set<std::string_view> wanted(names.begin(), names.end());
  for (const char* folder : {"new", "cur"}) {
    auto directory = files.open_directory(place, folder);
    if (!directory && passes(directory.error())) return directory.error();
    if (!directory) continue;
    auto listed = files.list(directory.value());
    if (!listed && passes(listed.error())) return listed.error();
    if (!listed) continue;
    for (const auto& file : listed.value()) {
      std::string name(name_of(file));
      if (!wanted.contains(name)) continue;
      auto earlier = files.open_file(directory.value(), file);
      if (!earlier && passes(earlier.error())) return earlier.error();
      if (!earlier) continue;  // a reader has moved it
      auto info = files.info(earlier.value());
      if (!info) return info.error();
      auto same = same_content(files, earlier.value(), info.value().size, id_of(name), staged);
      if (!same && passes(same.error())) return same.error();
      if (!same || !same.value()) continue;
      // The earlier try may have died before it synced: the 250 that follows needs it.
      if (auto synced = files.sync_directory(directory.value()); !synced) return synced.error();
      return std::optional(EarlierCopy{name, std::string(folder) + "/" + file});
    }
  }
  return std::optional<EarlierCopy>();
}

}  // namespace handoff::spool
