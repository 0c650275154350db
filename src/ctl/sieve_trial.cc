#include "ctl/sieve_trial.hh"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

#include "conf/command_line.hh"
#include "ctl/sieve_commands.hh"
#include "filter/global_scripts.hh"
#include "filter/scanners.hh"
#include "recipients/kinds.hh"
#include "recipients/resolver.hh"
#include "recipients/script.hh"
#include "sys/clock.hh"

namespace handoff::ctl {
namespace {

conf::Config read_settings(const std::string& given) {
  std::error_code ignored;
  bool hidden = given.empty() && std::filesystem::exists(conf::kDefaultFile, ignored) &&
                !std::ifstream(conf::kDefaultFile).is_open();
  if (hidden) {
    std::cerr << "handoffctl: " << conf::kDefaultFile
              << ": cannot be read, so the default settings apply\n";
    return conf::combine({}, {}, recipients::parse_lookup).config;
  }
  conf::CommandLine line;
  line.config_file = given;
  line.action = conf::CommandLine::Action::kDump;  // the default file may be absent
  return conf::load(line, recipients::parse_lookup).config;
}

std::string take_front(std::vector<std::string>& arguments) {
  auto front = std::move(arguments.front());
  arguments.erase(arguments.begin());
  return front;
}

// The mailbox of a recipient, as far as it is known without a lookup.
Mailbox mailbox_of(const std::string& to, const std::string& script, const conf::Config& config) {
  auto folded = recipients::fold_address(Address::of_text(to), config.recipient_rules());
  Mailbox mailbox;
  mailbox.address = folded.user.text();
  mailbox.home = directories_beside(script).back();
  return mailbox;
}

SieveSite site_of(const conf::Config& config, const std::string& script, const std::string& to,
                  std::string global) {
  auto personal = directories_beside(script);
  const auto& configured = config.sieve.include_directory;
  auto directory =
      recipients::script_path(configured, mailbox_of(to, script, config), config.spool.path);
  if (!configured.empty() && directory) personal.insert(personal.begin(), *directory);
  return {std::move(personal), std::move(global)};
}

constexpr const char* kAnyRecipient = "recipient@example.org";

}  // namespace

SieveTrial::SieveTrial(const sieve::Engine& engine, Invocation& invocation)
    : engine_(engine),
      config_(read_settings(invocation.config_file)),
      limits_(filter::limits_of(config_)),
      script_(take_front(invocation.arguments)),
      from_(take_option(invocation.arguments, "--from", "")),
      to_(take_option(invocation.arguments, "--to", "")),
      addresses_(take_options(invocation.arguments, "--address")),
      site_(
          site_of(config_, script_, to_.empty() ? kAnyRecipient : to_,
                  take_option(invocation.arguments, "--global", config_.sieve.global_directory))) {
  auto folders = take_options(invocation.arguments, "--folder");
  folders_given_ = !folders.empty();
  if (folders_given_) site_.set_folders(std::move(folders));
}

void SieveTrial::suggest_folders(std::vector<std::string> folders) {
  if (!folders_given_) site_.set_folders(std::move(folders));
}

sieve::CompiledScript SieveTrial::compile(const std::string& path) {
  auto text = read_file(path);
  if (!text) throw conf::ConfigError(path + ": cannot be read", EX_NOINPUT);
  return engine_.compile(*text, site_, limits_);
}

int SieveTrial::check() {
  auto compiled = compile(script_);
  auto faults = std::move(compiled.faults);
  faults.insert(faults.end(), compiled.missing.begin(), compiled.missing.end());
  return report_faults(script_, faults, compiled.error);
}

int SieveTrial::prepare() {
  int code = EX_OK;
  auto add = [&](const std::string& path, std::string name) {
    auto compiled = compile(path);
    auto faulty = report_faults(path, compiled.faults, compiled.error);
    if (faulty != EX_OK) code = faulty;
    scripts_.emplace_back(std::move(name), std::move(compiled));
  };
  for (const auto& path : config_.sieve.before) add(path, path);
  add(script_, "");
  for (const auto& path : config_.sieve.after) add(path, path);
  return code;
}

sieve::Ran SieveTrial::run(std::string_view message, std::string from, std::string to) {
  sieve::Facts facts;
  facts.from = std::move(from);
  facts.to = to.empty() ? kAnyRecipient : std::move(to);
  auto mailbox = mailbox_of(facts.to, script_, config_);
  facts.addresses = addresses_;
  facts.addresses.push_back(mailbox.address);
  auto now = sys::Wall::now();
  facts.now = std::chrono::floor<std::chrono::seconds>(now);
  facts.zone = sys::utc_offset(now);
  facts.host = config_.hostname;
  facts.message_id = "trial@" + config_.hostname;
  facts.user = mailbox.address.substr(0, mailbox.address.rfind('@'));
  facts.separators = config_.recipients.delimiter;
  filter::add_scanners(facts, config_);
  std::vector<sieve::NamedProgram> programs;
  for (const auto& [name, compiled] : scripts_) {
    if (compiled.program) programs.push_back({name, compiled.program.get()});
  }
  return engine_.run(programs, message, facts, site_, limits_, true);
}

std::vector<std::string> SieveTrial::remarks(const sieve::Plan& plan) {
  std::vector<std::string> out;
  for (const auto& action : plan.actions) {
    if (std::holds_alternative<sieve::Rejection>(action) && !config_.sieve.rejects)
      out.emplace_back("sieve.reject = discard: the message is discarded");
    const auto* copy = std::get_if<sieve::Copy>(&action);
    if (copy == nullptr || copy->folder.empty() || copy->create ||
        config_.recipients.create_folders)
      continue;
    bool special =
        !copy->special_use.empty() && site_.special_use_exists("", copy->special_use).value();
    if (!special && !site_.folder_exists(copy->folder).value()) {
      out.push_back("the folder \"" + escape(copy->folder) +
                    "\" does not exist: stored in the inbox");
    }
  }
  return out;
}

}  // namespace handoff::ctl
