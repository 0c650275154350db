#include "conf/load.hh"

#include <algorithm>

#include "base/text.hh"
#include "conf/settings.hh"
#include "sys/process.hh"

namespace handoff::conf {
namespace {

using Source = Assignment::Source;

[[noreturn]] void fail(const Assignment& assignment, const std::string& why) {
  throw ConfigError(assignment.where() + why);
}

// The values of a list accumulate. A second value of any other setting is an error, because one of
// them would be ignored silently.
void take(Settings& out, const std::vector<Assignment>& layer) {
  for (const auto& assignment : layer) out.values.erase(assignment.key);
  for (const auto& assignment : layer) {
    const Setting* setting = find_setting(assignment.key);
    if (setting == nullptr) fail(assignment, "no such setting");
    auto& values = out.values[assignment.key];
    if (!values.empty() && !setting->repeats) {
      fail(assignment, values.front().source == Source::kFile
                           ? "already set in line " + std::to_string(values.front().line)
                           : "given twice");
    }
    values.push_back(assignment);
  }
}

void set(Settings& out, const Setting& setting) {
  auto found = out.values.find(setting.name);
  if (found == out.values.end()) return;
  for (const auto& assignment : found->second) {
    // Every effective value must survive --dump and reading the dump as a file.
    bool writable = assignment.value.find('#') == std::string::npos &&
                    std::ranges::none_of(assignment.value, is_control) &&
                    trim(assignment.value) == assignment.value;
    if (!writable) {
      fail(assignment, "must not contain # or control characters, nor begin or end with a space");
    }
    std::string why = setting.set(out.config, assignment.value);
    if (!why.empty()) fail(assignment, why);
  }
}

const Assignment& first(const Settings& s, std::string_view key) {
  return s.values.find(key)->second.front();
}

// Returns the assignment of `value`, or else the first one.
const Assignment& assignment_of(const Settings& s, std::string_view key, std::string_view value) {
  const auto& all = s.values.find(key)->second;
  auto at = std::ranges::find(all, value, &Assignment::value);
  return at == all.end() ? all.front() : *at;
}

bool is_default(const Settings& s, std::string_view key) {
  return first(s, key).source == Source::kDefault;
}

// Checks that `low` <= `high`. Adapts a default to an explicit value; two explicit values that
// contradict each other are an error.
void check_order(Settings& s, std::string_view low, unsigned& low_value, std::string_view high,
                 unsigned& high_value) {
  if (low_value <= high_value) return;
  auto adapt = [&](std::string_view key, unsigned& value, unsigned to) {
    value = to;
    s.values.find(key)->second.front().value = std::to_string(to);
  };
  if (is_default(s, low)) {
    adapt(low, low_value, high_value);
  } else if (is_default(s, high)) {
    adapt(high, high_value, low_value);
  } else {
    fail(first(s, low),
         "must be at most " + std::string(high) + ", which is " + std::to_string(high_value));
  }
}

void check_together(Settings& s) {
  auto& workers = s.config.workers;
  // This order lets the default of max-idle adapt to max before min-idle is compared with it.
  check_order(s, "workers.max-idle", workers.max_idle, "workers.max", workers.max);
  check_order(s, "workers.min-idle", workers.min_idle, "workers.max", workers.max);
  check_order(s, "workers.min-idle", workers.min_idle, "workers.max-idle", workers.max_idle);
  const auto& config = s.config;
  if (config.tls.certificate.empty()) {
    for (auto key : {"tls.key", "tls.client-ca"}) {
      if (!first(s, key).value.empty())
        fail(first(s, key), "needs a certificate: set tls.certificate");
    }
    if (config.tls.required) {
      fail(first(s, "tls.required"), "needs a certificate: set tls.certificate");
    }
  }
  if (config.auth.required && config.auth.mechanisms.empty()) {
    fail(first(s, "auth.required"), "needs mechanisms: set auth.mechanisms, such as SCRAM-SHA-256");
  }
  if (config.spool.layout.starts_with("%h")) {
    for (const auto& lookup : config.recipients.lookups) {
      if (lookup.kind.names_owners()) continue;
      fail(first(s, "spool.layout"),
           "begins with %h, the home that a lookup knows, and recipients.lookup = " +
               std::string(lookup.kind.name) + " knows none");
    }
  }
  for (const auto& endpoint : config.listen) {
    const auto& listen = assignment_of(s, "listen", endpoint.text());
    if (endpoint.tls && config.tls.certificate.empty()) {
      fail(listen, "needs a certificate: set tls.certificate");
    }
    // A worker recognises a listener for TLS by its port.
    bool both = endpoint.tls && std::ranges::any_of(config.listen, [&](const Endpoint& other) {
                  return !other.is_unix && !other.tls && other.port == endpoint.port;
                });
    if (both) {
      fail(listen, "must have a port that no tcp: endpoint has");
    }
    if (endpoint.is_unix && endpoint.path == s.config.control_socket) {
      fail(first(s, "control.socket"), "must not be one of the sockets of listen");
    }
  }
}

}  // namespace

std::string Assignment::origin() const {
  if (source == Source::kFile) return file + ":" + std::to_string(line);
  return source == Source::kOption ? "option --" + key : "";
}

std::string Assignment::where() const {
  auto shown = escape(hide_passwords(value)) + ": ";
  if (source == Source::kOption) return origin() + ": " + shown;
  return (source == Source::kFile ? origin() + ": " : "") + key + " = " + shown;
}

Settings combine(const std::vector<Assignment>& file, const std::vector<Assignment>& options,
                 LookupParser parse_lookup) {
  Settings out;
  take(out, file);
  take(out, options);
  for (const auto& setting : settings()) {
    if (setting.defaults.empty() || out.values.contains(setting.name)) continue;
    auto& values = out.values[std::string(setting.name)];
    for (auto value : setting.defaults) {
      values.push_back({std::string(setting.name), std::string(value)});
    }
  }
  if (!out.values.contains("hostname")) {
    out.values["hostname"].push_back({"hostname", sys::host_name()});
  }
  work_out(out, parse_lookup);
  return out;
}

void work_out(Settings& out, LookupParser parse_lookup) {
  for (const auto& setting : settings()) set(out, setting);
  for (const auto& assignment : out.values.find("recipients.lookup")->second) {
    auto lookup = parse_lookup(assignment.value);
    if (!lookup) fail(assignment, lookup.error().what);
    lookup.value().origin = assignment.origin();
    out.config.recipients.lookups.push_back(std::move(lookup).value());
  }
  for (const auto& [key, values] : out.values) {
    auto origin = values.front().origin();
    if (!origin.empty()) out.config.origins[key] = origin;
  }
  check_together(out);
}

std::string dump(const Settings& settings_in_force, const DumpOptions& options) {
  std::string out;
  for (const auto& setting : settings()) {
    auto found = settings_in_force.values.find(setting.name);
    if (found == settings_in_force.values.end()) continue;
    const auto& values = found->second;
    bool is_default = values.front().source == Source::kDefault ||
                      std::ranges::equal(values, setting.defaults, {}, &Assignment::value);
    if (options.changed && is_default) continue;
    for (const auto& assignment : values) {
      out += assignment.key;
      out += assignment.value.empty() ? " =" : " = ";
      out += options.secrets ? assignment.value : hide_passwords(assignment.value);
      out += '\n';
    }
  }
  return out;
}

std::vector<std::string_view> need_restart(const Settings& running, const Settings& wanted) {
  auto texts = [](const Settings& s, std::string_view key) {
    std::vector<std::string> out;
    auto found = s.values.find(key);
    if (found == s.values.end()) return out;
    for (const auto& assignment : found->second) out.push_back(assignment.value);
    return out;
  };
  std::vector<std::string_view> out;
  for (const auto& setting : settings()) {
    if (!setting.reloads && texts(running, setting.name) != texts(wanted, setting.name)) {
      out.push_back(setting.name);
    }
  }
  return out;
}

Settings carry_over(const Settings& running, const Settings& wanted) {
  Settings out;
  out.values = wanted.values;
  for (const auto& setting : settings()) {
    if (setting.reloads) continue;
    out.values.erase(std::string(setting.name));
    auto found = running.values.find(setting.name);
    if (found != running.values.end()) out.values.insert(*found);
  }
  for (const auto& setting : settings()) set(out, setting);
  out.config.recipients.lookups = wanted.config.recipients.lookups;
  out.config.origins = wanted.config.origins;
  check_together(out);
  return out;
}

}  // namespace handoff::conf
