// The strings of a script: encoded characters, variables, names of variables.
#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/string_text.hh"

namespace handoff::sieve {

// Decodes encoded characters (RFC 5228 2.4.2.4), then finds the variables.
void Checker::prepare(Argument& argument) {
  for (auto& text : argument.texts) {
    if (active("encoded-character")) {
      auto decoded = decode_characters(text.literal);
      if (!decoded) {
        fault(argument.line, "an encoded character is not a Unicode character");
        continue;
      }
      text.literal = *decoded;
    }
    if (!active("variables")) continue;
    text.pieces = find_variables(text.literal);
    for (const auto& piece : text.pieces) {
      if (piece.match && *piece.match > limits_.match_values) {
        fault(argument.line,
              "the last match variable is ${" + std::to_string(limits_.match_values) + "}");
      }
      auto space = piece.space.substr(0, piece.space.find('.'));
      if (space == "global" && !active("include")) {
        fault(argument.line, "variables of 'global' need: require \"include\"");
      } else if (space == "env" && !active("vnd.dovecot.environment")) {
        fault(argument.line, "variables of 'env' need: require \"vnd.dovecot.environment\"");
      } else if (!language_.knows_namespace(space) || (space == "global" && piece.space != space)) {
        fault(argument.line, "unknown namespace '" + escape(piece.space) + "' of a variable");
      }
    }
  }
}

std::string Checker::constant(const Argument& argument) {
  const auto& text = argument.texts.front();
  if (text.constant()) return text.literal;
  fault(argument.line, "a variable cannot be used here");
  return {};
}

void Checker::check_variable(const Argument& argument) {
  auto text = constant(argument);
  auto name = parse_variable(text);
  if (!name || name->match) {
    return fault(argument.line,
                 "'" + escape(text) + "' is not the name of a variable that can be set");
  }
  if (name->space == "global" ? !active("include") : !name->space.empty()) {
    return fault(argument.line, "variables of '" + name->space + "' cannot be set");
  }
  if (name->text.size() > limits_.variable_name_size) {
    return fault(argument.line, "the name of a variable is too long");
  }
  variables_.insert(name->space + "." + name->text);
  if (variables_.size() == limits_.variables + 1) {
    fault(argument.line, "there are more than " + std::to_string(limits_.variables) + " variables");
  }
}

void Checker::check_global_variable(const Argument& argument) {
  auto name = lower(constant(argument));
  if (variables_.contains("." + name) && !globals_.contains(name)) {
    return fault(argument.line, "variable '" + escape(name) + "' is set before it is made global");
  }
  globals_.insert(name);
  check_variable(argument);
}

}  // namespace handoff::sieve
