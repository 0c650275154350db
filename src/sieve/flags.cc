// setflag, addflag, removeflag and hasflag (RFC 5232).
#include "sieve/flags.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/modifiers.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

// RFC 9051 9: flag-keyword is an atom; of the system flags only those that a delivery may set.
bool is_flag(std::string_view flag) {
  static constexpr std::string_view kSystem[] = {"\\answered", "\\flagged", "\\deleted", "\\seen",
                                                 "\\draft"};
  if (flag.front() == '\\') {
    return std::ranges::any_of(kSystem, [&](std::string_view s) { return iequals(s, flag); });
  }
  return std::ranges::all_of(flag, [](char c) {
    return c > ' ' && c < 127 && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  });
}

void add_flag(std::vector<std::string>& flags, const std::string& flag) {
  if (std::ranges::none_of(flags, [&](const std::string& f) { return iequals(f, flag); }))
    flags.push_back(flag);
}

std::string flag_string(const std::vector<std::string>& flags) {
  std::string out;
  for (const auto& flag : flags) out += (out.empty() ? "" : " ") + flag;
  return out;
}

// Returns the variable's name; nothing for the internal variable.
std::optional<std::string> variable_of(Run& run, const Call& call) {
  if (call.arguments.size() < 2) return std::nullopt;
  return run.string(call.arguments[0]);
}

std::vector<std::string> flags_in(Run& run, const std::optional<std::string>& variable) {
  return variable ? parse_flags({run.variables().get(lower(*variable), false)}) : run.flags();
}

void check_flags(Checker& checker, Call& call) {
  if (call.arguments.size() < 2) return;
  if (!checker.active("variables"))
    return checker.fault(call.line, "a variable for flags needs: require \"variables\"");
  checker.check_variable(call.arguments[0]);
}

Flow change_flags(Run& run, const Call& call) {
  auto variable = variable_of(run, call);
  auto given = parse_flags(run.list(call.arguments.back()));
  auto flags = call.name == "setflag" ? std::vector<std::string>() : flags_in(run, variable);
  for (const auto& flag : given) {
    if (call.name == "removeflag") {
      std::erase_if(flags, [&](const std::string& f) { return iequals(f, flag); });
    } else {
      add_flag(flags, flag);
    }
  }
  if (flags.size() > run.limits().flags) return run.fail(call.line, "too many flags");
  run.note(call, flag_string(flags));
  if (variable) {
    set_variable(run, *variable, flag_string(flags));
  } else {
    run.flags() = std::move(flags);
  }
  return Flow::kNext;
}

void check_hasflag(Checker& checker, Call& call) {
  if (call.arguments.size() < 2) return;
  if (!checker.active("variables"))
    return checker.fault(call.line, "a variable for flags needs: require \"variables\"");
  for (const auto& text : call.arguments[0].texts) {
    if (!text.constant()) checker.fault(call.line, "the name of a variable cannot be a variable");
  }
}

// RFC 5232 4: each flag in the variables is a value, and each flag in the list is a key.
bool hasflag(Run& run, const Call& call) {
  std::vector<std::string> values;
  if (call.arguments.size() < 2) {
    values = run.flags();
  } else {
    for (const auto& name : run.list(call.arguments[0])) {
      for (const auto& flag : flags_in(run, name)) add_flag(values, flag);
    }
  }
  if (call.has(Tag::kCount) || call.has(Tag::kRegex) || call.has(Tag::kMatches))
    return run.match(call, values, call.arguments.back());
  Argument keys;
  for (const auto& text : run.list(call.arguments.back())) {
    for (auto key : split(text, ' ')) {
      if (!key.empty() || call.has(Tag::kContains))
        keys.texts.push_back({std::string(key), {}, {}});
    }
  }
  return run.match(call, values, keys);
}

constexpr Kind kFlagKinds[] = {
    {.name = "setflag",
     .extension = "imap4flags",
     .arguments = "?sS",
     .check = check_flags,
     .command = change_flags},
    {.name = "addflag",
     .extension = "imap4flags",
     .arguments = "?sS",
     .check = check_flags,
     .command = change_flags},
    {.name = "removeflag",
     .extension = "imap4flags",
     .arguments = "?sS",
     .check = check_flags,
     .command = change_flags},
    {.name = "hasflag",
     .extension = "imap4flags",
     .arguments = "?SS",
     .tags = kMatchTags,
     .check = check_hasflag,
     .test = hasflag},
};

}  // namespace

std::span<const Kind> flag_kinds() { return kFlagKinds; }

std::vector<std::string> parse_flags(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts) {
    for (auto flag : split(text, ' ')) {
      if (!flag.empty() && is_flag(flag)) add_flag(out, std::string(flag));
    }
  }
  return out;
}

std::vector<std::string> flags_of(Run& run, const Call& call) {
  const auto* given = call.argument(Tag::kFlags);
  if (given == nullptr) return run.flags();
  auto flags = parse_flags(run.list(*given));
  if (flags.size() > run.limits().flags) flags.resize(run.limits().flags);
  return flags;
}

}  // namespace handoff::sieve
