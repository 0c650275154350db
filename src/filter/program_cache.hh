// Compiled scripts in memory. A file that has not changed, by device, inode, size and time, is not
// compiled again; the scripts that it includes are compared in the same way.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.hh"
#include "sieve/engine.hh"
#include "sys/files.hh"

namespace handoff::filter {

// A site whose scripts are files.
class SiteWithFiles : public sieve::Site {
 public:
  virtual Result<std::optional<sys::Fd>> script_file(sieve::ScriptPlace place,
                                                     std::string_view name) = 0;
  // Programs are compiled by the cache, which asks for files.
  Result<std::optional<std::string>> script(sieve::ScriptPlace, std::string_view) override {
    return std::optional<std::string>();
  }
};

// Returns the whole content of a regular file of at most `most` octets. EINVAL if the file is not
// regular, EFBIG if it is larger, ENOMEM if there is no room for it. The owner of the file may
// change it meanwhile.
Result<std::string> read_all(sys::Files& files, const sys::Fd& file, std::uint64_t most);

class ProgramCache {
 public:
  // Both arguments must outlive the object.
  ProgramCache(const sieve::Engine& engine, sys::Files& files) : engine_(engine), files_(files) {}

  using Found = sieve::CompiledScript;
  // Returns the script in `file`, compiled now or earlier. Asks `site` for the files of the scripts
  // that it includes. The error is one of `file` itself.
  Result<Found> find(const sys::Fd& file, SiteWithFiles& site, const sieve::Limits& limits);

  // Returns how many scripts were compiled, for tests.
  std::uint64_t compiled() const { return compiled_; }

 private:
  // The version of a file.
  struct Version {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::chrono::system_clock::time_point modified;

    auto operator<=>(const Version&) const = default;
  };
  struct Include {
    sieve::ScriptPlace place;
    std::string name;
    std::optional<Version> version;  // nothing: there was no such script
  };
  struct Entry {
    Found script;
    std::vector<Include> includes;
  };
  class Recorder;

  Result<std::optional<Version>> version_of(const sys::Fd& file) const;
  Result<bool> is_current(const Entry& entry, SiteWithFiles& site) const;

  const sieve::Engine& engine_;
  sys::Files& files_;
  std::map<Version, Entry> entries_;
  std::uint64_t compiled_ = 0;
};

}  // namespace handoff::filter
