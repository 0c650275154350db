#include "conf/file.hh"

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

// The name in a line "[name]", as Boost takes such a line; nothing where it is another one.
std::optional<std::string> section_of(std::string_view line) {
  auto bare = trim(line.substr(0, line.find('#')));
  if (!bare.starts_with('[') || !bare.ends_with(']')) return std::nullopt;
  return std::string(bare.substr(1, bare.size() - 2));
}

bool has_section(std::string_view name) {
  for (const auto& setting : settings()) {
    if (!name.empty() && setting.section() == name) return true;
  }
  return false;
}

std::string no_such_setting(const std::string& key, const std::string& section) {
  std::string what = escape(key) + ": no such setting";
  // "spool.path" below "[session]" arrives as "session.spool.path".
  auto below = section.empty() ? "" : key.substr(section.size() + 1);
  if (find_setting(below) != nullptr) {
    return what + "; " + below + " stands above the first [section]";
  }
  return what + did_you_mean(key);
}

}  // namespace

std::vector<Assignment> read_text(std::string_view text, const std::string& file) {
  auto options = setting_options();
  std::vector<Assignment> out;
  std::string section;
  unsigned number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\0') != std::string_view::npos) fail(file, number, "a NUL octet");
    if (auto name = section_of(line)) {
      if (!has_section(*name)) fail(file, number, "[" + escape(*name) + "]: no such section");
      section = *name;
      continue;
    }
    // Boost does not say on which line an assignment stands: it is given one line at a time,
    // below the section that the line is in.
    std::istringstream one((section.empty() ? "" : "[" + section + "]\n") + std::string(line));
    try {
      for (const auto& option : po::parse_config_file(one, options, true).options) {
        if (option.unregistered) fail(file, number, no_such_setting(option.string_key, section));
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
