#include "conf/options.hh"

#include <algorithm>
#include <vector>

#include "conf/settings.hh"

namespace handoff::conf {

namespace po = boost::program_options;

namespace {

void add(po::options_description& group, const Setting& setting) {
  std::string defaults;
  for (auto value : setting.defaults) {
    if (!defaults.empty()) defaults += ", ";
    defaults += value;
  }
  // The default is only for --help; combine() determines the effective value.
  auto* value = po::value<std::vector<std::string>>()->value_name(std::string(setting.type));
  if (!defaults.empty()) value->default_value({}, defaults);
  group.add_options()(std::string(setting.name).c_str(), value, std::string(setting.help).c_str());
}

}  // namespace

po::options_description setting_options() {
  po::options_description all(kHelpWidth, kHelpWidth / 2);
  auto table = settings();
  for (auto row = table.begin(); row != table.end();) {
    auto section = row->section();
    auto caption = section.empty() ? "General settings" : "Settings of " + std::string(section);
    po::options_description group(caption, kHelpWidth, kHelpWidth / 2);
    for (; row != table.end() && row->section() == section; ++row) add(group, *row);
    all.add(group);
  }
  return all;
}

std::string did_you_mean(std::string_view name, std::string_view prefix) {
  auto near = nearest_setting(name);
  if (near.empty()) return {};
  return "; did you mean " + std::string(prefix) + std::string(near) + "?";
}

}  // namespace handoff::conf
