// Control commands: require, if, stop (RFC 5228 3), include, global, return (RFC 6609), ihave,
// error (RFC 5463).
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
    checker.check_variable(one);
  }
}
Flow global(Run& run, const Call& call) {
  for (const auto& text : call.arguments[0].texts)
    run.variables().declare_global(lower(text.literal));
  return Flow::kNext;
}

// RFC 5463 4: the answer is known when the script is compiled, because every extension that exists
// can then be used. The exceptions are "variables" and "encoded-character", which would change how
// strings are read.
bool available(const Language& language, const std::string& name) {
  return name != "variables" && name != "encoded-character" && language.extension(name) != nullptr;
}
void check_ihave(Checker& checker, Call& call) {
  for (const auto& text : call.arguments[0].texts) {
    if (available(checker.language(), text.literal)) {
      checker.require(text.literal);
    } else {
      checker.be_lenient();
    }
  }
}
bool ihave(Run& run, const Call& call) {
  for (const auto& name : run.list(call.arguments[0])) {
    if (!available(Language::standard(), name)) return false;
  }
  return true;
}

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
