// The one table of settings. The options of the command line, the keys of the file, --dump,
// --help and the sample file come from it; handoffd.conf(5) and etc/handoffd.conf are held to it
// by tests. To add a setting: a member in Config, a row here, a paragraph there.
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
  std::string_view type;                   // what --help calls the value: "DURATION"
  std::vector<std::string_view> defaults;  // as a file has them; none: worked out while loading
  std::string_view help;                   // one or two sentences
  // Takes one value into the Config. Returns why it cannot, as the end of "KEY = VALUE: "; empty
  // where it could.
  std::function<std::string(Config&, std::string_view)> set;
  bool repeats = false;           // each value adds to a list
  bool reloads = true;            // SIGHUP takes a change; else a restart does
  std::string_view example = {};  // stands in the sample file where there is no default

  // "session" of "session.data-timeout"; empty at the top.
  std::string_view section() const;
};

std::span<const Setting> settings();
// nullptr where there is none.
const Setting* find_setting(std::string_view name);
// The name that `name` was probably meant to be; empty where none is near.
std::string_view nearest_setting(std::string_view name);

}  // namespace handoff::conf
