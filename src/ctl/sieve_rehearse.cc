// handoffctl sieve rehearse: what a script would do with the messages of a mailbox.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "base/text.hh"
#include "base/utf7.hh"
#include "ctl/plan_text.hh"
#include "ctl/sieve_commands.hh"
#include "ctl/sieve_trial.hh"

namespace handoff::ctl {
namespace {

namespace fs = std::filesystem;

void add_messages(const fs::path& mailbox, const std::string& directory,
                  std::vector<std::string>& out) {
  for (const char* part : {"new", "cur"}) {
    std::error_code ignored;
    auto below = (directory.empty() ? "" : directory + "/") + part;
    for (const auto& entry : fs::directory_iterator(mailbox / below, ignored)) {
      if (entry.is_regular_file(ignored))
        out.push_back(below + "/" + entry.path().filename().string());
    }
  }
}

// Returns the directories of the folders of a Maildir (Maildir++): ".Lists.Sieve".
std::vector<std::string> directories_of(const fs::path& mailbox) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(mailbox, ignored)) {
    auto name = entry.path().filename().string();
    if (name.starts_with('.') && entry.is_directory(ignored)) out.push_back(std::move(name));
  }
  return out;
}

// Returns the names of the folders as scripts write them.
std::vector<std::string> folders_of(const fs::path& mailbox) {
  std::vector<std::string> out;
  for (const auto& directory : directories_of(mailbox)) {
    auto name = directory.substr(1);
    out.push_back(from_imap_utf7(name).value_or(name));
  }
  return out;
}

// Returns the messages of a Maildir and its folders, in the order in which they arrived.
std::vector<std::string> messages_of(const fs::path& mailbox) {
  std::vector<std::string> out;
  add_messages(mailbox, "", out);
  for (const auto& directory : directories_of(mailbox)) add_messages(mailbox, directory, out);
  auto base = [](const std::string& file) { return file.substr(file.rfind('/') + 1); };
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
  SieveTrial trial(engine, invocation);
  if (invocation.arguments.empty())
    throw conf::ConfigError("sieve rehearse: the mailbox is missing (see handoffctl --help)",
                            EX_USAGE);
  fs::path mailbox = invocation.arguments.front();
  invocation.arguments.erase(invocation.arguments.begin());
  invocation.expect_no_more();
  std::error_code ignored;
  if (!fs::is_directory(mailbox / "cur", ignored))
    throw conf::ConfigError(mailbox.string() + ": is no Maildir", EX_NOINPUT);
  trial.suggest_folders(folders_of(mailbox));
  if (auto code = trial.prepare(); code != EX_OK) return code;

  std::map<std::string, std::size_t> totals;
  std::size_t faults = 0;
  for (const auto& file : messages_of(mailbox)) {
    auto message = read_file((mailbox / file).string());
    if (!message) {
      std::cout << escape(file) << ": cannot be read\n";
      continue;
    }
    auto ran = trial.run(
        *message, !trial.from().empty() ? trial.from() : address_in(*message, "Return-Path:"),
        !trial.to().empty() ? trial.to() : address_in(*message, "Delivered-To:"));
    auto what = summary_of(ran.plan);
    for (const auto& remark : trial.remarks(ran.plan)) what += " (" + remark + ")";
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
