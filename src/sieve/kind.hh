// The description of a command or test: one row of a table. Each table is in the file of the
// functions that run its rows (base_commands.cc, vacation.cc ...); language.hh combines the tables.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sieve/tag.hh"

namespace handoff::sieve {

struct Call;
class Checker;
class Run;

// What the interpreter does after a command.
enum class Flow : std::uint8_t {
  kNext,
  kReturn,  // leaves the included script
  kBreak,   // leaves loops down to Run::breaking()
  kStop,
  kFailed,  // Run::fail() was called
};

struct TagUse {
  Tag tag;
  std::string_view extension = {};  // empty: available with the command
};

enum class Shape : std::uint8_t {
  kPlain,
  kTest,   // takes one test
  kTests,  // takes a list of tests
};
enum class Branch : std::uint8_t { kNone, kIf, kElsif, kElse };

struct Kind {
  std::string_view name;
  std::string_view extension;  // "a|b": one of these is required; empty: the base of RFC 5228
  // The positional arguments: n a number, s a string, S a string or list. '?' at the start or end:
  // the adjacent argument is optional.
  std::string_view arguments = {};
  std::span<const TagUse> tags = {};
  Shape shape = Shape::kPlain;
  bool block = false;
  Branch branch = Branch::kNone;
  std::string_view comparator = "i;ascii-casemap";  // if :comparator is absent
  // Checks rules that the table cannot express; called when all strings are known. May be null.
  void (*check)(Checker& checker, Call& call) = nullptr;
  // Exactly one of these two functions is set. A test that cannot determine its result calls
  // Run::fail().
  Flow (*command)(Run& run, const Call& call) = nullptr;
  bool (*test)(Run& run, const Call& call) = nullptr;
};

}  // namespace handoff::sieve
