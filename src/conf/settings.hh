// The one table of settings. The options of the command line, the keys of the file, --dump, --help
// and the sample file are generated from it; tests compare handoffd.conf(5) and etc/handoffd.conf
// with it. To add a setting, add a member to Config, a row here, and a paragraph to both files.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hh"

namespace handoff::conf {

struct Setting {
  std::string_view name;                   // "session.data-timeout"
  std::string_view type;                   // the name of the value in --help: "DURATION"
  std::vector<std::string_view> defaults;  // as in a file; empty: determined while loading
  std::string_view help;                   // one or two sentences
  // Stores one value in the Config. Returns an empty string on success. Otherwise returns the
  // reason, which completes the sentence "KEY = VALUE: ".
  std::function<std::string(Config&, std::string_view)> set;
  bool repeats = false;           // each value adds to a list
  bool reloads = true;            // SIGHUP applies a change; otherwise a restart does
  std::string_view example = {};  // for the sample file, if there is no default

  // "session" for "session.data-timeout"; empty without a section.
  std::string_view section() const;
};

std::span<const Setting> settings();
// Returns nullptr if there is no such setting.
const Setting* find_setting(std::string_view name);
// Returns the name that `name` was probably meant to be; empty if none is similar.
std::string_view nearest_setting(std::string_view name);
std::string_view nearest_section(std::string_view name);

}  // namespace handoff::conf
