#include "spool/earlier_copy.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <unordered_set>

#include "spool/name.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kCompareBuffer = 16 << 10;  // octets
constexpr std::uint64_t kMaxTrace = 4096;         // octets; our trace headers are never longer

// Returns whether `header` is the trace header that the message `id` was given: its last field,
// Received:, contains the id (RFC 5321 4.4). The fields at the top of another message do not.
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
  auto next = field.at(at + 4 + id.size());
  return next == ';' || next == '\r' || next == '\n';
}

// Returns whether `earlier`, which was given `id`, has the content of `staged`. `file` is the open
// staged file.
Result<bool> same_content(sys::Files& files, const sys::Fd& earlier, std::uint64_t earlier_size,
                          const std::string& id, const Staged& staged, const sys::Fd& file) {
  auto content = staged.content_offset;
  auto length = staged.size - content;
  if (earlier_size < length || earlier_size - length > kMaxTrace) return false;
  std::string header(earlier_size - length, '\0');
  auto n = files.read_at(earlier, 0, header.data(), header.size());
  if (!n) return n.error();
  if (n.value() != header.size() || !is_trace_of(header, id)) return false;
  std::array<char, kCompareBuffer> one;
  std::array<char, kCompareBuffer> other;
  std::uint64_t at = 0;
  while (at < length) {
    auto wanted = std::min<std::uint64_t>(kCompareBuffer, length - at);
    n = files.read_at(earlier, header.size() + at, one.data(), wanted);
    if (!n) return n.error();
    auto m = files.read_at(file, content + at, other.data(), wanted);
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

// Returns whether this is a temporary failure of this process, or of a connection to the storage.
// After any other failure readers cannot read the file either. It then does not count as a copy,
// and the message is delivered.
bool is_temporary(const Error& error) {
  return error.code == EMFILE || error.code == ENFILE || error.code == ENOMEM ||
         error.code == ENOTCONN || error.code == ETIMEDOUT;
}

// Adds those of `names` that exist and are not in the list. A replica of GlusterFS from which the
// list comes may lack a name that another one has, because the host that made the name was cut off.
// To look a name up asks all replicas.
Status add_unlisted(sys::Files& files, const sys::Fd& directory,
                    const std::vector<std::string>& names, std::vector<std::string>& list) {
  for (const auto& name : names) {
    if (std::ranges::find(list, name) != list.end()) continue;
    auto found = files.info_at(directory, name);
    if (found) list.push_back(name);
    if (!found && is_temporary(found.error())) return found.error();
  }
  return {};
}

}  // namespace

Result<bool> is_same_message(sys::Files& files, const sys::Fd& earlier, const std::string& name,
                             const Staged& staged, const sys::Fd& file) {
  auto info = files.info(earlier);
  if (!info) return info.error();
  return same_content(files, earlier, info.value().size, id_of(name), staged, file);
}

Result<std::optional<EarlierCopy>> find_earlier_copy(sys::Files& files, const sys::Fd& place,
                                                     const std::vector<std::string>& names,
                                                     const Staged& staged) {
  sys::Fd opened;
  auto file = staged.open(files, opened);
  if (!file) return file.error();
  std::unordered_set<std::string_view> wanted;
  for (const auto& name : names) wanted.insert(made_name(name));
  for (const char* folder : {"new", "cur"}) {
    auto directory = files.open_directory(place, folder);
    if (!directory && is_temporary(directory.error())) return directory.error();
    if (!directory) continue;
    auto listed = files.list(directory.value());
    if (!listed && is_temporary(listed.error())) return listed.error();
    if (!listed) continue;
    if (folder == std::string_view("new") && files.is_shared(directory.value())) {
      if (auto added = add_unlisted(files, directory.value(), names, listed.value()); !added) {
        return added.error();
      }
    }
    for (const auto& entry : listed.value()) {
      std::string name(made_name(entry));
      if (!wanted.contains(name)) continue;
      auto earlier = files.open_file(directory.value(), entry);
      if (!earlier && is_temporary(earlier.error())) return earlier.error();
      if (!earlier) continue;  // a reader has moved it
      auto same = is_same_message(files, earlier.value(), name, staged, *file.value());
      if (!same && is_temporary(same.error())) return same.error();
      if (!same || !same.value()) continue;
      // The process that made the earlier attempt may have died before it synced, and the 250 must
      // not be sent without a sync.
      if (files.is_shared(directory.value())) {
        if (auto synced = files.sync_file(earlier.value()); !synced) return synced.error();
      }
      if (auto synced = files.sync_directory(directory.value()); !synced) return synced.error();
      return std::optional(EarlierCopy{name, std::string(folder) + "/" + entry});
    }
  }
  return std::optional<EarlierCopy>();
}

}  // namespace handoff::spool
