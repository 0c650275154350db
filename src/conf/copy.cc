#include "conf/copy.hh"

#include <utility>

#include "base/netstring.hh"
#include "base/text.hh"
#include "sys/secrets.hh"

namespace handoff::conf {
namespace {

constexpr std::string_view kLookup = "recipients.lookup";

}  // namespace

std::string pack(const Settings& settings) {
  std::string out;
  for (const auto& [key, values] : settings.values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto& assignment = values[i];
      std::string value = assignment.value;
      if (key == kLookup) {
        const auto& kind = settings.config.recipients.lookups[i].kind;
        if (kind.apart()) value = kind.name;
      }
      add_netstring(out, key);
      add_netstring(out, value);
      add_netstring(out, std::to_string(static_cast<int>(assignment.source)));
      add_netstring(out, assignment.file);
      add_netstring(out, std::to_string(assignment.line));
    }
  }
  return out;
}

void forget_secrets(Settings& settings) {
  auto values = settings.values.find(kLookup);
  auto& lookups = settings.config.recipients.lookups;
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    if (!lookups[i].kind.apart()) continue;
    sys::erase(lookups[i].argument);
    if (values == settings.values.end() || i >= values->second.size()) continue;
    sys::erase(values->second[i].value);
    values->second[i].value = lookups[i].kind.name;
  }
}

void forget_secrets(std::vector<Assignment>& options) {
  for (auto& option : options) {
    if (option.key == kLookup) sys::erase(option.value);
  }
}

Settings unpack_settings(std::string_view octets, LookupParser parse_lookup) {
  using Source = Assignment::Source;
  Settings out;
  Netstrings parts(octets);
  while (parts.good() && !parts.at_end()) {
    Assignment assignment;
    assignment.key = parts.next();
    assignment.value = parts.next();
    assignment.source = static_cast<Source>(parse_number(parts.next()).value_or(0));
    assignment.file = parts.next();
    assignment.line = static_cast<unsigned>(parse_number(parts.next()).value_or(0));
    out.values[assignment.key].push_back(std::move(assignment));
  }
  if (!parts.good()) throw ConfigError("the settings of the master did not arrive");
  work_out(out, parse_lookup);
  return out;
}

}  // namespace handoff::conf
