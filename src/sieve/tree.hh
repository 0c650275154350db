// A script as a tree: made by the parser, completed by the checker, walked by the interpreter.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sieve/tag.hh"

namespace re2 {
class RE2;
}

namespace handoff::sieve {

struct Kind;  // kind.hh

// A part of a string: literal text, or a variable whose value takes its place (RFC 5229 3).
struct Piece {
  std::string text;   // literal text, or the variable's name in small letters
  std::string space;  // the variable's namespace; empty if it has none
  bool variable = false;
  std::optional<std::size_t> match;  // ${1}: a match variable
};

// A string of the script.
struct Text {
  std::string literal;        // with encoded characters decoded; as written if it has variables
  std::vector<Piece> pieces;  // empty: it is constant
  std::shared_ptr<const re2::RE2> regex;  // of a constant key of :regex

  bool constant() const { return pieces.empty(); }
};

struct Argument {
  enum class Type : std::uint8_t { kNumber, kString, kList };
  Type type = Type::kString;
  std::uint64_t number = 0;
  std::vector<Text> texts;  // one of kString
  std::size_t line = 0;
};

struct TagArgument {
  std::string name;
  std::size_t line = 0;
  std::size_t before = 0;            // how many positional arguments were written before it
  Tag tag{};                         // set by the checker
  std::optional<Argument> argument;  // moved here by the checker if the tag takes one
};

// A command or a test.
struct Call {
  std::string name;
  std::size_t line = 0;
  std::string rule;
  std::vector<TagArgument> tags;
  std::vector<Argument> arguments;  // the positional ones
  std::vector<Call> tests;
  bool list = false;   // the tests were in parentheses
  bool block = false;  // `commands` was written, perhaps empty
  std::vector<Call> commands;
  // Set by the checker. Null: this call cannot be run, because it needs an extension for which
  // ihave is false.
  const Kind* kind = nullptr;
  std::string fault;       // why it cannot be run, or the script that it includes is missing
  std::size_t script = 0;  // include: the number of the script
  std::size_t loops = 0;   // break: how many loops it leaves

  bool has(Tag tag) const { return find(tag) != nullptr; }
  const TagArgument* find(Tag tag) const {
    for (const auto& t : tags) {
      if (t.tag == tag) return &t;
    }
    return nullptr;
  }
  // Returns the argument of a tag, null if the tag is absent or has no argument.
  const Argument* argument(Tag tag) const {
    const auto* found = find(tag);
    return found != nullptr && found->argument ? &*found->argument : nullptr;
  }
};

struct Script {
  std::string name;  // empty: the script that the caller named
  std::vector<Call> commands;
};

}  // namespace handoff::sieve
