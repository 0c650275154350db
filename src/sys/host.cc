#include "sys/host.hh"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/text.hh"
#include "sys/process.hh"

namespace handoff::sys {
namespace {

constexpr std::string_view kNone = "-";

// The first word of a file; empty if there is none.
std::string word_in(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

std::string or_none(const std::string& word) { return word.empty() ? std::string(kNone) : word; }
std::string from_word(std::string_view word) {
  return word == kNone ? std::string() : std::string(word);
}

}  // namespace

bool Host::is_same(const Host& other) const {
  if (machine != other.machine || boot != other.boot) return false;
  return name == other.name || (!namespace_.empty() && namespace_ == other.namespace_);
}

std::string Host::text() const {
  std::string named = name;
  for (char& c : named) {
    if (c == ' ' || c == '\n') c = '_';
  }
  return named + " " + or_none(machine) + " " + or_none(boot) + " " + or_none(namespace_);
}

std::optional<Host> Host::parse(std::string_view line) {
  auto words = split(line, ' ');
  if (words.size() != 4 || words[0].empty()) return std::nullopt;
  return Host{std::string(words[0]), from_word(words[1]), from_word(words[2]), from_word(words[3])};
}

Host this_host() {
  Host host{host_name(), word_in("/etc/machine-id"), {}, {}};
#ifdef __linux__
  host.boot = word_in("/proc/sys/kernel/random/boot_id");
  struct stat status;
  if (::stat("/proc/self/ns/uts", &status) == 0) {
    host.namespace_ = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  }
#endif
  return host;
}

}  // namespace handoff::sys
