// handoffctl sieve rehearse: what a script would do with the messages of a mailbox.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "ctl/plan_text.hh"
#include "ctl/sieve_commands.hh"
#include "ctl/sieve_site.hh"

namespace handoff::ctl {
namespace {

namespace fs = std::filesystem;

struct Stored {
  std::string file;    // relative to the mailbox
  std::string folder;  // "" is the inbox
};

void add_messages(const fs::path& mailbox, const std::string& directory, const std::string& folder,
                  std::vector<Stored>& out) {
  for (const char* part : {"new", "cur"}) {
    std::error_code ignored;
    auto below = (directory.empty() ? "" : directory + "/") + part;
    for (const auto& entry : fs::directory_iterator(mailbox / below, ignored)) {
      if (entry.is_regular_file(ignored))
        out.push_back({below + "/" + entry.path().filename().string(), folder});
    }
  }
}

// Returns the messages of a Maildir and its folders (Maildir++), in the order in which they
// arrived.
std::vector<Stored> messages_of(const fs::path& mailbox) {
  std::vector<Stored> out;
  add_messages(mailbox, "", "", out);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(mailbox, ignored)) {
    auto name = entry.path().filename().string();
    if (name.starts_with('.') && entry.is_directory(ignored)) {
      auto folder = name.substr(1);
      std::ranges::replace(folder, '.', '/');
      add_messages(mailbox, name, folder, out);
    }
  }
  auto base = [](const Stored& stored) { return stored.file.substr(stored.file.rfind('/') + 1); };
  std::ranges::sort(out, {}, base);
  return out;
}

// Returns the address in Return-Path: or Delivered-To:, which the delivery has added at the top.
std::string address_in(std::string_view message, std::string_view field) {
  while (!message.empty()) {
    auto line = message.substr(0, message.find('\n'));
    if (line.empty() || line == "\r") break;
    if (istarts_with(line, field)) {
      auto value = std::string(trim(line.substr(field.size())));
      while (!value.empty() && value.back() == '\r') value.pop_back();
      if (value.starts_with('<') && value.ends_with('>')) value = value.substr(1, value.size() - 2);
      return value;
    }
    message.remove_prefix(std::min(line.size() + 1, message.size()));
  }
  return {};
}

// Returns what the plan does, without the places: messages that are treated alike are counted
// together.
std::string summary_of(const sieve::Plan& plan) {
  std::string out;
  for (const auto& action : plan.actions) out += (out.empty() ? "" : "; ") + summary(action);
  return out.empty() ? "discard" : out;
}

}  // namespace

int sieve_rehearse(Invocation& invocation, const sieve::Engine& engine) {
  auto& arguments = invocation.arguments;
  auto script = arguments.front();
  arguments.erase(arguments.begin());
  sieve::Facts facts;
  auto to = take_option(arguments, "--to", "");
  auto from = take_option(arguments, "--from", "");
  facts.addresses = take_options(arguments, "--address");
  SieveSite site(script, take_option(arguments, "--global", ""),
                 take_options(arguments, "--folder"));
  if (arguments.empty())
    throw conf::ConfigError("sieve rehearse: the mailbox is missing (see handoffctl --help)",
                            EX_USAGE);
  fs::path mailbox = arguments.front();
  arguments.erase(arguments.begin());
  invocation.expect_no_more();
  std::error_code ignored;
  if (!fs::is_directory(mailbox / "cur", ignored))
    throw conf::ConfigError(mailbox.string() + ": is no Maildir", EX_NOINPUT);
  auto text = read_file(script);
  if (!text) throw conf::ConfigError(script + ": cannot be read", EX_NOINPUT);
  auto checked = engine.check(*text, site, {});
  if (auto code = report_faults(script, checked.faults, checked.error); code != EX_OK) return code;

  facts.host = "localhost";
  facts.message_id = "rehearsal@localhost";
  facts.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::map<std::string, std::size_t> totals;
  std::size_t faults = 0;
  for (const auto& [file, folder] : messages_of(mailbox)) {
    auto message = read_file((mailbox / file).string());
    if (!message) {
      std::cout << escape(file) << ": cannot be read\n";
      continue;
    }
    facts.to = !to.empty() ? to : address_in(*message, "Delivered-To:");
    if (facts.to.empty()) facts.to = "recipient@example.org";
    facts.from = !from.empty() ? from : address_in(*message, "Return-Path:");
    facts.user = facts.to.substr(0, facts.to.rfind('@'));
    auto ran = engine.run(*text, *message, facts, site, {});
    auto what = summary_of(ran.plan);
    if (!ran.faults.empty()) {
      ++faults;
      what += " (" + ran.faults.front().what + ")";
    }
    std::cout << escape(file) << ": " << what << "\n";
    ++totals[what];
  }
  std::cout << "summary:\n";
  for (const auto& [what, count] : totals) std::cout << "  " << count << ": " << what << "\n";
  return faults == 0 ? EX_OK : EX_DATAERR;
}

}  // namespace handoff::ctl
