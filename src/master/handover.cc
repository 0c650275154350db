#include "master/handover.hh"

#include <climits>

#include "base/text.hh"

namespace handoff::master {
namespace {

constexpr std::string_view kFirstLine = "handoffd handover 1";

std::optional<int> parse_int(std::string_view text) {
  auto number = parse_number(text);
  if (!number || *number > INT_MAX) return std::nullopt;
  return static_cast<int>(*number);
}

// Splits "KEY REST".
std::pair<std::string_view, std::string_view> split_at_blank(std::string_view text) {
  auto blank = text.find(' ');
  if (blank == text.npos) return {text, {}};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

}  // namespace

std::string Handover::pack() const {
  std::string out(kFirstLine);
  auto line = [&](std::string_view key, const std::string& value) {
    out += "\n" + std::string(key) + " " + value;
  };
  if (trial) line("trial", "yes");
  if (activated) line("activated", "yes");
  for (const auto& [endpoint, fd] : listeners) {
    line("listener", std::to_string(fd) + " " + endpoint.text());
  }
  if (control >= 0) line("control", std::to_string(control));
  if (http >= 0) line("http", std::to_string(http));
  if (!http_endpoint.empty()) line("http-endpoint", http_endpoint);
  if (pid_file >= 0) line("pid-file", std::to_string(pid_file) + " " + pid_file_path);
  if (life_read >= 0) line("life", std::to_string(life_read) + " " + std::to_string(life_write));
  for (auto pid : workers) line("worker", std::to_string(pid));
  if (keeper > 0) line("keeper", std::to_string(keeper));
  line("upgrades", std::to_string(upgrades));
  line("started", std::to_string(started));
  line("deaths", std::to_string(deaths));
  line("killed", std::to_string(killed));
  line("reloads-refused", std::to_string(reloads_refused));
  if (!totals.empty()) line("totals", totals);
  if (!backends.empty()) line("backends", backends);
  return out;
}

std::optional<Handover> Handover::unpack(std::string_view text) {
  auto lines = split(text, '\n');
  if (lines.front() != kFirstLine) return std::nullopt;
  Handover out;
  for (auto line : lines) {
    auto [key, value] = split_at_blank(line);
    auto [number_text, rest] = split_at_blank(value);
    auto number = parse_int(number_text);
    if (key == "trial") out.trial = true;
    if (key == "activated") out.activated = true;
    if (key == "http-endpoint") out.http_endpoint = std::string(value);
    if (key == "totals") out.totals = std::string(value);
    if (key == "backends") out.backends = std::string(value);
    if (!number) continue;
    if (key == "listener") {
      if (auto endpoint = parse_endpoint(rest)) out.listeners.emplace_back(*endpoint, *number);
    } else if (key == "control") {
      out.control = *number;
    } else if (key == "http") {
      out.http = *number;
    } else if (key == "pid-file") {
      out.pid_file = *number;
      out.pid_file_path = std::string(rest);
    } else if (key == "life") {
      out.life_read = *number;
      out.life_write = parse_int(rest).value_or(-1);
    } else if (key == "worker" &&
               *number > 0) {  // kill(2) takes other numbers for groups of processes
      out.workers.push_back(*number);
    } else if (key == "keeper") {
      out.keeper = *number;
    } else if (key == "upgrades") {
      out.upgrades = static_cast<unsigned>(*number);
    } else if (key == "started") {
      out.started = *number;
    } else if (key == "deaths") {
      out.deaths = static_cast<std::uint64_t>(*number);
    } else if (key == "killed") {
      out.killed = static_cast<std::uint64_t>(*number);
    } else if (key == "reloads-refused") {
      out.reloads_refused = static_cast<unsigned>(*number);
    }
  }
  return out;
}

}  // namespace handoff::master
