#include "conf/file.hh"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/text.hh"
#include "conf/options.hh"
#include "conf/settings.hh"
#include "sys/text_file.hh"

namespace handoff::conf {
namespace {

[[noreturn]] void fail(const std::string& file, unsigned line, const std::string& what) {
  throw ConfigError(file + ":" + std::to_string(line) + ": " + what);
}

// Returns the name in a line "[name]"; nothing for other lines.
std::optional<std::string> section_of(std::string_view line) {
  if (!line.starts_with('[') || !line.ends_with(']')) return std::nullopt;
  return std::string(line.substr(1, line.size() - 2));
}

bool has_section(std::string_view name) {
  return !name.empty() && std::ranges::count(settings(), name, &Setting::section) > 0;
}

std::string no_such_section(const std::string& name) {
  std::string what = "[" + escape(name) + "]: no such section";
  auto near = nearest_section(name.substr(0, name.find('.')));
  if (!near.empty()) return what + "; did you mean [" + std::string(near) + "]?";
  return what + "; sections are the parts of a setting's name before the dot, such as [spool]";
}

// `section`: with the dot, or empty.
std::string no_such_setting(const std::string& key, const std::string& section) {
  std::string what = escape(key) + ": no such setting";
  // "spool.path" in the section [session] is "session.spool.path".
  auto below = key.substr(section.size());
  if (!section.empty() && find_setting(below) != nullptr) {
    return what + "; put " + below + " above the first [section]";
  }
  return what + did_you_mean(key);
}

}  // namespace

std::vector<Assignment> read_text(std::string_view text, const std::string& file) {
  std::vector<Assignment> out;
  std::string section;  // with the dot
  unsigned number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\0') != std::string_view::npos) fail(file, number, "a NUL octet");
    auto bare = trim(line.substr(0, line.find('#')));
    if (bare.empty()) continue;
    if (auto name = section_of(bare)) {
      if (!has_section(*name)) fail(file, number, no_such_section(*name));
      section = *name + ".";
      continue;
    }
    auto equals = bare.find('=');
    if (equals == bare.npos) {
      fail(file, number, escape(trim(line)) + ": must be KEY = VALUE, [SECTION], or a # comment");
    }
    auto key = section + std::string(trim(bare.substr(0, equals)));
    if (find_setting(key) == nullptr) fail(file, number, no_such_setting(key, section));
    out.push_back(
        {key, std::string(trim(bare.substr(equals + 1))), Assignment::Source::kFile, file, number});
  }
  return out;
}

std::vector<Assignment> read_file(const std::string& path) {
  auto fail = [&](const Error& error) {
    throw ConfigError(path + ": " + std::strerror(error.code));
  };
  auto file = sys::TextFile::open(path);
  if (!file) fail(file.error());
  std::string text;
  for (std::string line; file.value().next(line);) text += line + "\n";
  if (!file.value().status()) fail(file.value().status().error());
  return read_text(text, path);
}

}  // namespace handoff::conf
