#include "conf/file.hh"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstring>
#include <optional>
#include <sstream>

#include "base/text.hh"
#include "conf/options.hh"
#include "conf/settings.hh"
#include "sys/text_file.hh"

namespace handoff::conf {
namespace {

namespace po = boost::program_options;

[[noreturn]] void fail(const std::string& file, unsigned line, const std::string& what) {
  throw ConfigError(file + ":" + std::to_string(line) + ": " + what);
}

// Returns the name in a line "[name]", as Boost parses it; nothing for other lines.
std::optional<std::string> section_of(std::string_view line) {
  auto bare = trim(line.substr(0, line.find('#')));
  if (!bare.starts_with('[') || !bare.ends_with(']')) return std::nullopt;
  return std::string(bare.substr(1, bare.size() - 2));
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

std::string no_such_setting(const std::string& key, const std::string& section) {
  std::string what = escape(key) + ": no such setting";
  // Boost names "spool.path" in the section [session] "session.spool.path".
  auto below = section.empty() ? "" : key.substr(section.size() + 1);
  if (find_setting(below) != nullptr) {
    return what + "; put " + below + " above the first [section]";
  }
  return what + did_you_mean(key);
}

}  // namespace

std::vector<Assignment> read_text(std::string_view text, const std::string& file) {
  // Boost copies the names of all options for each line that it parses, so it gets none, and the
  // table of settings decides which names are known.
  const po::options_description no_options;
  std::vector<Assignment> out;
  std::string section;
  unsigned number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\0') != std::string_view::npos) fail(file, number, "a NUL octet");
    if (auto name = section_of(line)) {
      if (!has_section(*name)) fail(file, number, no_such_section(*name));
      section = *name;
      continue;
    }
    // Boost does not report the line of an assignment, so it gets one line at a time, preceded by
    // the line of its section.
    std::istringstream one((section.empty() ? "" : "[" + section + "]\n") + std::string(line));
    try {
      for (const auto& option : po::parse_config_file(one, no_options, true).options) {
        if (find_setting(option.string_key) == nullptr)
          fail(file, number, no_such_setting(option.string_key, section));
        out.push_back({option.string_key, option.value.empty() ? "" : option.value.front(),
                       Assignment::Source::kFile, file, number});
      }
    } catch (const po::error&) {
      fail(file, number, escape(trim(line)) + ": must be KEY = VALUE, [SECTION], or a # comment");
    }
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
