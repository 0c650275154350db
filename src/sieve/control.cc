// Control commands: require, if, stop (RFC 5228 3), include, global, return (RFC 6609), ihave,
// error (RFC 5463).
#include <algorithm>

#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kIncludeTags{TagUse{Tag::kPersonal}, TagUse{Tag::kGlobal}, TagUse{Tag::kOnce},
                                  TagUse{Tag::kOptional}};

Flow nothing(Run&, const Call&) { return Flow::kNext; }
Flow stop(Run&, const Call&) { return Flow::kStop; }
Flow leave(Run&, const Call&) { return Flow::kReturn; }
Flow error(Run& run, const Call& call) {
  return run.fail(call.line, run.string(call.arguments[0]));
}

void check_include(Checker& checker, Call& call) { checker.include(call); }

// Script 0 is the outermost one, which no script includes. As the number of an include, 0 means
// that an optional script does not exist.
Flow include(Run& run, const Call& call) {
  if (!call.fault.empty()) return run.fail(call.line, call.fault);
  if (call.script == 0) return Flow::kNext;
  if (call.has(Tag::kOnce) && run.executed(call.script)) return Flow::kNext;
  return run.include(call);
}

void check_global(Checker& checker, Call& call) {
  if (!checker.active("variables"))
    return checker.fault(call.line, "'global' needs: require \"variables\"");
  for (const auto& text : call.arguments[0].texts) {
    Argument one;
    one.line = call.line;
    one.texts.push_back(text);
    // RFC 6609 3.4.1.
    if (text.literal.find('.') != std::string::npos)
      checker.fault(call.line, "a variable of a namespace cannot be made global");
    else
      checker.check_global_variable(one);
  }
}
Flow global(Run& run, const Call& call) {
  for (const auto& text : call.arguments[0].texts)
    run.variables().declare_global(lower(text.literal));
  return Flow::kNext;
}

// RFC 5463 4: the answer is known when the script is compiled, because every extension that exists
// can then be used. The exceptions are "variables" and "encoded-character", which would change how
// strings are read; they are available only to a script that requires them. Leaves the names of
// those that are not available.
void check_ihave(Checker& checker, Call& call) {
  auto& names = call.arguments[0].texts;
  if (!std::ranges::all_of(names, &Text::constant))
    return checker.fault(call.line, "an extension cannot be named by a variable");
  auto missing = names;
  std::erase_if(missing, [&](const Text& text) {
    const auto& name = text.literal;
    bool changes_strings = name == "variables" || name == "encoded-character";
    return checker.active(name) ||
           (!changes_strings && checker.language().extension(name) != nullptr);
  });
  if (missing.empty()) {
    for (const auto& text : names) checker.require(text.literal);
  } else {
    checker.be_lenient();
  }
  names = std::move(missing);
}
bool ihave(Run&, const Call& call) { return call.arguments[0].texts.empty(); }

constexpr Kind kControlKinds[] = {
    {.name = "require", .extension = "", .command = nothing},
    {.name = "if",
     .extension = "",
     .shape = Shape::kTest,
     .block = true,
     .branch = Branch::kIf,
     .command = nothing},
    {.name = "elsif",
     .extension = "",
     .shape = Shape::kTest,
     .block = true,
     .branch = Branch::kElsif,
     .command = nothing},
    {.name = "else", .extension = "", .block = true, .branch = Branch::kElse, .command = nothing},
    {.name = "stop", .extension = "", .command = stop},
    {.name = "include",
     .extension = "include",
     .arguments = "s",
     .tags = kIncludeTags,
     .check = check_include,
     .command = include},
    {.name = "return", .extension = "include", .command = leave},
    {.name = "global",
     .extension = "include",
     .arguments = "S",
     .check = check_global,
     .command = global},
    {.name = "error", .extension = "ihave", .arguments = "s", .command = error},
    {.name = "ihave", .extension = "ihave", .arguments = "S", .check = check_ihave, .test = ihave},
};

}  // namespace

std::span<const Kind> control_kinds() { return kControlKinds; }

}  // namespace handoff::sieve
