#include "filter/program_cache.hh"

#include <cerrno>
#include <new>
#include <utility>

#include "sys/clock.hh"

namespace handoff::filter {
namespace {

// A script takes some kilobytes when compiled.
constexpr std::size_t kMostEntries = 500;
// A file that was changed more recently may change again without getting a new time, because
// filesystems count in ticks.
constexpr std::chrono::seconds kSettled{2};
constexpr std::size_t kGrowth = 4 << 10;  // octets: how much more a file may have than its size

}  // namespace

Result<std::string> read_all(sys::Files& files, const sys::Fd& file, std::uint64_t most) try {
  auto info = files.info(file);
  if (!info) return info.error();
  if (!info.value().is_regular) return Error{EINVAL, "read, not a regular file", {}};
  // The size may change between reads, so only the octets that were read count.
  if (info.value().size > most) return Error{EFBIG, "read", {}};
  std::string text;
  for (auto room = info.value().size;; room = kGrowth) {
    auto have = text.size();
    text.resize(have + room);
    auto n = files.read_at(file, have, text.data() + have, room);
    if (!n) return n.error();
    text.resize(have + n.value());
    if (text.size() > most) return Error{EFBIG, "read", {}};
    if (n.value() == 0) return text;
  }
} catch (const std::bad_alloc&) {
  return Error{ENOMEM, "read", {}};
}

// Gives included scripts to the engine, and records their versions.
class ProgramCache::Recorder final : public sieve::Site {
 public:
  Recorder(const ProgramCache& cache, SiteWithFiles& site, const sieve::Limits& limits)
      : cache_(cache), site_(site), limits_(limits) {}

  std::vector<Include> includes;
  bool is_settled = true;

  Result<std::optional<std::string>> script(sieve::ScriptPlace place,
                                            std::string_view name) override {
    auto file = site_.script_file(place, name);
    if (!file) return file.error();
    includes.push_back({place, std::string(name), std::nullopt});
    if (!file.value()) return std::optional<std::string>();
    auto version = cache_.version_of(*file.value());
    if (!version) return version.error();
    includes.back().version = version.value();
    is_settled = is_settled && version.value().has_value();
    auto text = read_all(cache_.files_, *file.value(), limits_.script_size);
    // Empty text of that size is too long for the engine, which reports it.
    if (!text && text.error().code == EFBIG)
      return std::optional(std::string(limits_.script_size + 1, '\n'));
    if (!text) return text.error();
    return std::optional(std::move(text).value());
  }
  Result<bool> folder_exists(std::string_view folder) override {
    return site_.folder_exists(folder);
  }
  Result<bool> special_use_exists(std::string_view folder, std::string_view use) override {
    return site_.special_use_exists(folder, use);
  }
  Result<bool> seen(const sieve::Mark& mark) override { return site_.seen(mark); }
  Result<std::optional<std::string>> environment(std::string_view item) override {
    return site_.environment(item);
  }

 private:
  const ProgramCache& cache_;
  SiteWithFiles& site_;
  const sieve::Limits& limits_;
};

// Nothing if the file was changed a moment ago.
Result<std::optional<ProgramCache::Version>> ProgramCache::version_of(const sys::Fd& file) const {
  auto info = files_.info(file);
  if (!info) return info.error();
  const auto& found = info.value();
  if (sys::Wall::now() - found.modified < kSettled) return std::optional<Version>();
  return std::optional(Version{found.device, found.inode, found.size, found.modified});
}

Result<bool> ProgramCache::is_current(const Entry& entry, SiteWithFiles& site) const {
  for (const auto& include : entry.includes) {
    auto file = site.script_file(include.place, include.name);
    if (!file) return file.error();
    if (file.value().has_value() != include.version.has_value()) return false;
    if (!file.value()) continue;
    auto version = version_of(*file.value());
    if (!version) return version.error();
    if (version.value() != include.version) return false;
  }
  return true;
}

Result<ProgramCache::Found> ProgramCache::find(const sys::Fd& file, SiteWithFiles& site,
                                               const sieve::Limits& limits) {
  auto version = version_of(file);
  if (!version) return version.error();
  if (version.value()) {
    auto entry = entries_.find(*version.value());
    if (entry != entries_.end()) {
      auto current = is_current(entry->second, site);
      if (!current) return current.error();
      if (current.value()) return entry->second.script;
      entries_.erase(entry);
    }
  }
  Found out;
  auto text = read_all(files_, file, limits.script_size);
  if (!text && text.error().code == EFBIG) {
    out.faults.push_back({"", 1,
                          "the script is larger than sieve.max-script-size (" +
                              std::to_string(limits.script_size) + " octets)"});
    return out;
  }
  if (!text) return text.error();
  Recorder recorder(*this, site, limits);
  out = engine_.compile(text.value(), recorder, limits);
  ++compiled_;
  if (out.error || !version.value() || !recorder.is_settled) return out;
  if (entries_.size() >= kMostEntries) entries_.clear();
  entries_[*version.value()] = {out, std::move(recorder.includes)};
  return out;
}

}  // namespace handoff::filter
