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

// A list's values add up; of anything else a second one is a mistake that would go unnoticed.
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
    // Whatever is effective can be written to a file by --dump and read again.
    bool writable = assignment.value.find('#') == std::string::npos &&
                    std::ranges::none_of(assignment.value, is_control) &&
                    trim(assignment.value) == assignment.value;
    if (!writable) {
      fail(assignment, "must not contain # or control characters, nor begin or end with a blank");
    }
    std::string why = setting.set(out.config, assignment.value);
    if (!why.empty()) fail(assignment, why);
  }
}

const Assignment& first(const Settings& s, std::string_view key) {
  return s.values.find(key)->second.front();
}

bool is_default(const Settings& s, std::string_view key) {
  return first(s, key).source == Source::kDefault;
}

// `low` <= `high`. A default gives way to what is set; two that are set contradict each other.
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
  // In this order a default of max-idle has adapted to max before min-idle is compared to it.
  check_order(s, "workers.max-idle", workers.max_idle, "workers.max", workers.max);
  check_order(s, "workers.min-idle", workers.min_idle, "workers.max", workers.max);
  check_order(s, "workers.min-idle", workers.min_idle, "workers.max-idle", workers.max_idle);
  const auto& config = s.config;
  if (config.tls.certificate.empty()) {
    for (auto key : {"tls.key", "tls.client-ca"}) {
      if (!first(s, key).value.empty()) fail(first(s, key), "needs tls.certificate");
    }
    if (config.tls.required) fail(first(s, "tls.required"), "needs tls.certificate");
  }
  if (config.auth.required && config.auth.mechanisms.empty()) {
    fail(first(s, "auth.required"), "needs auth.mechanisms");
  }
  if (config.spool.layout.starts_with("%h")) {
    for (std::string_view homeless : {"mailbox", "any"}) {
      if (std::ranges::find(config.recipients.lookups, homeless) == config.recipients.lookups.end())
        continue;
      fail(first(s, "spool.layout"),
           "%h is the home that a lookup knows, and recipients.lookup = " + std::string(homeless) +
               " knows none");
    }
  }
  for (const auto& endpoint : config.listen) {
    if (endpoint.tls && config.tls.certificate.empty()) {
      fail(first(s, "listen"), endpoint.text() + " needs tls.certificate");
    }
    // A worker knows a listener that speaks TLS at once by its port.
    bool both = endpoint.tls && std::ranges::any_of(config.listen, [&](const Endpoint& other) {
                  return !other.is_unix && !other.tls && other.port == endpoint.port;
                });
    if (both) {
      fail(first(s, "listen"), endpoint.text() + " must have another port than those of tcp: have");
    }
    if (endpoint.is_unix && endpoint.path == s.config.control_socket) {
      fail(first(s, "control.socket"), "must be another socket than those of listen");
    }
  }
}

}  // namespace

Settings combine(const std::vector<Assignment>& file, const std::vector<Assignment>& options) {
  Settings out;
  for (const auto& setting : settings()) {
    for (auto value : setting.defaults) {
      out.values[std::string(setting.name)].push_back(
          {std::string(setting.name), std::string(value)});
    }
  }
  take(out, file);
  take(out, options);
  if (!out.values.contains("hostname")) {
    out.values["hostname"].push_back({"hostname", sys::host_name()});
  }
  for (const auto& setting : settings()) set(out, setting);
  check_together(out);
  return out;
}

std::string dump(const Settings& settings_in_force) {
  std::string out;
  for (const auto& setting : settings()) {
    auto found = settings_in_force.values.find(setting.name);
    if (found == settings_in_force.values.end()) continue;
    for (const auto& assignment : found->second) {
      out +=
          assignment.key + " =" + (assignment.value.empty() ? "" : " " + assignment.value) + "\n";
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
  check_together(out);
  return out;
}

}  // namespace handoff::conf
