#include "suite.hh"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/address_list.hh"

namespace handoff::sieve::testsuite {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string first_address(const Message& message, std::string_view field, std::string fallback) {
  auto fields = message.header().find(field);
  if (fields.empty()) return fallback;
  for (const auto& mailbox : parse_address_list(fields.front()->unfolded())) {
    if (mailbox.valid) return mailbox.address();
  }
  return fallback;
}

// The name INBOX is case-insensitive.
std::string canonical(std::string folder) {
  if (istarts_with(folder, "inbox")) folder.replace(0, 5, "INBOX");
  return folder;
}

std::uint64_t number(const std::string& value, std::uint64_t fallback) {
  return parse_number(value).value_or(fallback);
}

// "1s", "2d" ...
std::uint64_t period(const std::string& value) {
  std::uint64_t unit = value.ends_with('d')   ? 86'400
                       : value.ends_with('h') ? 3'600
                       : value.ends_with('m') ? 60
                                              : 1;
  return number(value.substr(0, value.size() - 1), 0) * unit;
}

// "Field:regular expression".
void split_header(const std::string& value, std::string& field, std::string& pattern) {
  auto colon = value.find(':');
  field = std::string(trim(value.substr(0, colon)));
  pattern = colon == std::string::npos ? "" : std::string(trim(value.substr(colon + 1)));
}

}  // namespace

Suite::Suite(std::string path)
    : path_(std::move(path)), folder_(std::filesystem::path(path_).parent_path()) {
  facts_.host = "host.example.com";
  facts_.user = "tester";
  facts_.postmaster = "Postmaster@host.example.com";
  facts_.message_id = "test@host.example.com";
  facts_.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  folders_["INBOX"];
  set_message(
      "From: sender@example.com\nTo: recipient@example.com\nSubject: default\n\nDefault.\n");
}

void Suite::set_message(std::string text) {
  texts_.push_back(std::move(text));
  messages_.push_back(std::make_unique<Message>(texts_.back(), limits_));
  facts_.from = first_address(*messages_.back(), "From", "sender@example.com");
  facts_.to = first_address(*messages_.back(), "To", "recipient@example.com");
  facts_.original_to.clear();
  if (run_) run_->use(*messages_.back(), facts_);
}

void Suite::run() {
  auto text = read_file(path_);
  if (!text) {
    broken = "cannot be read";
    return;
  }
  auto compiled = compile(*text, *this, limits_, language());
  if (!compiled.faults.empty()) {
    broken = compiled.faults.front().text();
    return;
  }
  run_ = std::make_unique<TestRun>(*this, *messages_.back(), facts_, *this, limits_);
  run_->execute(compiled.program);
  if (run_->fault()) broken = run_->fault()->text();
}

void Suite::configure(const std::string& name, const std::string& value) {
  settings_[name] = value;
  const Limits defaults;
  for (bool virus : {false, true}) {
    std::string_view kind = virus ? "sieve_virustest_" : "sieve_spamtest_";
    auto* scanner = virus ? &facts_.virus : &facts_.spam;
    std::string_view key = name;
    if (!key.starts_with(kind)) continue;
    key.remove_prefix(kind.size());
    if (key == "status_header") split_header(value, scanner->header, scanner->pattern);
    if (key == "max_header") split_header(value, scanner->most_header, scanner->most_pattern);
    if (key == "max_value") scanner->most = std::atof(value.c_str());
    if (key == "status_type") {
      using Type = Facts::Scanner::Type;
      scanner->type = value == "strlen" ? Type::kStars
                      : value == "text" ? Type::kText
                                        : Type::kScore;
    }
    if (key.starts_with("text_value")) {
      auto index = number(std::string(key.substr(10)), 0);
      if (scanner->words.size() <= index) scanner->words.resize(index + 1);
      scanner->words[index] = value;
    }
  }
  if (name == "recipient_delimiter") facts_.separators = value;
  if (name == "sieve_user_email")
    facts_.addresses = value.empty() ? std::vector<std::string>() : std::vector{value};
  if (name == "sieve_editheader_max_header_size")
    limits_.header_size = number(value, defaults.header_size);
  if (name == "sieve_include_max_includes") limits_.includes = number(value, defaults.includes);
  if (name == "sieve_include_max_nesting_depth")
    limits_.include_depth = number(value, defaults.include_depth);
  if (name == "sieve_vacation_min_period") limits_.vacation_least = period(value);
  if (name == "sieve_variables_max_variable_size") {
    limits_.variable_size = value.ends_with('k')
                                ? number(value.substr(0, value.size() - 1), 4) << 10
                                : number(value, defaults.variable_size);
  }
}

bool Suite::compile_script(const std::string& name) {
  script_name_ = name;
  errors.clear();
  auto text = read_file(folder_ + "/" + name);
  if (!text) {
    errors.push_back("no such script");
    return false;
  }
  script_ = compile(*text, *this, limits_, language());
  for (const auto& fault : script_.faults) errors.push_back(fault.what);
  compile_failed = !script_.faults.empty();
  return !compile_failed;
}

bool Suite::run_script(bool append) {
  errors.clear();
  compile_failed = false;
  Message message(run_->message().original(), limits_);
  TestRun inner(*this, message, facts_, *this, limits_);
  inner.flags() = run_->flags();
  auto flow = inner.execute(script_.program);
  if (flow == Flow::kFailed) {
    errors.push_back(inner.fault() ? inner.fault()->what : inner.error()->describe());
    return false;
  }
  errors = inner.log();
  if (!append) {
    run_->reset();
    executed_ = 0;
  }
  if (!inner.keeps()) run_->cancel_keep();
  for (auto& action : inner.plan().actions) run_->plan().actions.push_back(std::move(action));
  return true;
}

bool Suite::run_scripts(const std::vector<std::string>& names) {
  std::deque<Compiled> programs;
  Message message(run_->message().original(), limits_);
  TestRun inner(*this, message, facts_, *this, limits_);
  for (const auto& name : names) {
    if (!compile_script(name)) return false;
    programs.push_back(std::move(script_));
    if (inner.execute(programs.back().program) == Flow::kFailed) return false;
    if (!inner.keeps()) break;
  }
  run_->reset();
  executed_ = 0;
  run_->plan() = inner.finish();
  run_->cancel_keep();
  return execute();
}

void Suite::reset_result() {
  run_->reset();
  executed_ = 0;
  sent_.clear();
}

std::string Suite::text_of(const Edited& edited) const {
  auto original = run_->message().original();
  Message message(original, limits_);
  auto out =
      edited.header ? *edited.header : std::string(original.substr(0, message.header().size));
  return out.append(edited.body ? std::string_view(*edited.body) : message.body());
}

bool Suite::store(const Copy& copy, const std::string& text) {
  auto folder = canonical(copy.folder.empty() ? "INBOX" : copy.folder);
  auto fail = [&](const std::string& why) {
    errors.push_back("failed to store into mailbox '" + folder + "': " + why);
    return false;
  };
  if (folder.find("//") != std::string::npos || folder.starts_with('/') ||
      folder.find("..") != std::string::npos)
    return fail("invalid name");
  if (!folders_.contains(folder) && !copy.create) return fail("it does not exist");
  folders_[folder].push_back({text, copy.flags});
  return true;
}

bool Suite::execute() {
  errors.clear();
  auto& plan = run_->plan();
  bool ok = true;
  for (; executed_ < plan.actions.size(); ++executed_) {
    auto& action = plan.actions[executed_];
    if (auto* copy = std::get_if<Copy>(&action)) {
      ok = store(*copy, text_of(copy->edited)) && ok;
    } else if (auto* redirect = std::get_if<Redirect>(&action)) {
      sent_.push_back({facts_.from, redirect->to, redirect->head + text_of(redirect->edited)});
    } else if (auto* outgoing = std::get_if<Outgoing>(&action)) {
      if (!outgoing->withheld.empty()) continue;
      for (const auto& to : outgoing->to) sent_.push_back({outgoing->from, to, outgoing->text});
      if (outgoing->copy) ok = store(*outgoing->copy, outgoing->text) && ok;
    }
  }
  if (!ok) {
    folders_["INBOX"].push_back({std::string(run_->message().original()), {}});
  } else if (run_->keeps()) {
    folders_["INBOX"].push_back({text_of(run_->message().edited()), run_->flags()});
  }
  return ok;
}

bool Suite::show_folder(const std::string& folder, std::size_t index) {
  auto found = folders_.find(canonical(folder));
  if (found == folders_.end() || index >= found->second.size()) return false;
  auto stored = found->second[index];
  auto facts = facts_;
  set_message(stored.text);
  facts_ = facts;
  run_->flags() = stored.flags;
  return true;
}

bool Suite::show_sent(std::size_t index) {
  if (index >= sent_.size()) return false;
  auto sent = sent_[index];
  set_message(sent.text);
  facts_.from = sent.from;
  facts_.to = sent.to;
  return true;
}

std::vector<std::string> Suite::result_names() {
  std::vector<std::string> out;
  for (const auto& action : run_->plan().actions) {
    if (const auto* copy = std::get_if<Copy>(&action)) {
      out.emplace_back(copy->folder.empty() ? "keep" : "store");
    } else if (std::holds_alternative<Redirect>(action)) {
      out.emplace_back("redirect");
    } else if (const auto* outgoing = std::get_if<Outgoing>(&action)) {
      out.emplace_back(outgoing->kind == Outgoing::Kind::kVacation ? "vacation" : "notify");
    } else {
      out.emplace_back("reject");
    }
  }
  return out;
}

Result<std::optional<std::string>> Suite::script(ScriptPlace place, std::string_view name) {
  std::string file(name);
  if (!file.ends_with(".sieve")) file += ".sieve";
  return read_file(folder_ + (place == ScriptPlace::kGlobal ? "/included-global/" : "/included/") +
                   file);
}

Result<bool> Suite::folder_exists(std::string_view folder) {
  return folders_.contains(std::string(folder));
}

Result<std::optional<std::string>> Suite::environment(std::string_view item) {
  if (item == "tst.path") return std::optional(folder_);
  static constexpr std::string_view kSettings = "vnd.dovecot.config.";
  if (item.starts_with(kSettings)) {
    auto found = settings_.find("sieve_env_" + std::string(item.substr(kSettings.size())));
    if (found != settings_.end()) return std::optional(found->second);
  }
  return std::optional<std::string>();
}

}  // namespace handoff::sieve::testsuite
