#include "sieve/parser.hh"

#include <utility>

#include "base/text.hh"
#include "sieve/lexer.hh"

namespace handoff::sieve {
namespace {

// Looks ahead by one token. After a faulty command the parser continues with the next one.
class Parser {
 public:
  Parser(std::string_view script, const Limits& limits, Faults& faults)
      : lexer_(script, limits), limits_(limits), faults_(faults) {
    advance();
  }

  std::vector<Call> script() {
    std::vector<Call> out;
    while (token_.kind != TokenKind::kEnd && !too_many_faults()) {
      if (token_.is('}')) {
        fault("'}' without '{'");
        advance();
      } else {
        command(out, 0);
      }
    }
    return out;
  }

 private:
  void advance() { token_ = lexer_.next(); }
  bool too_many_faults() const { return faults_.size() >= limits_.errors; }
  bool fault(std::string what) {
    faults_.push_back({{}, token_.line, std::move(what)});
    return false;
  }
  // Describes the current token, for messages.
  std::string found() const {
    switch (token_.kind) {
      case TokenKind::kIdentifier:
      case TokenKind::kMark:
        return "'" + token_.text + "'";
      case TokenKind::kTag:
        return "':" + token_.text + "'";
      case TokenKind::kNumber:
        return "a number";
      case TokenKind::kString:
        return "a string";
      case TokenKind::kEnd:
        return "the end of the script";
      case TokenKind::kBad:
        break;
    }
    return token_.text;
  }
  bool unexpected(const std::string& wanted) {
    if (token_.kind == TokenKind::kBad) return fault(token_.text);
    return fault(wanted + " is expected before " + found());
  }

  // Skips the rest of a command: up to its semicolon, or its block with all that it contains.
  void recover() {
    for (std::size_t depth = 0; token_.kind != TokenKind::kEnd; advance()) {
      if (token_.is('{')) ++depth;
      if (token_.is('}')) {
        if (depth == 0) return;
        if (--depth == 0) return advance();
      }
      if (token_.is(';') && depth == 0) return advance();
    }
  }

  void command(std::vector<Call>& out, std::size_t depth) {
    Call call;
    if (!command_proper(call, depth)) return recover();
    out.push_back(std::move(call));
  }

  bool command_proper(Call& call, std::size_t depth) {
    if (token_.kind != TokenKind::kIdentifier) return unexpected("a command");
    if (!call_proper(call, depth)) return false;
    if (token_.is(';')) return advance(), true;
    if (!token_.is('{')) return unexpected("a semicolon");
    if (depth >= limits_.nesting) return fault("blocks are nested too deeply");
    advance();
    call.block = true;
    while (!token_.is('}')) {
      if (token_.kind == TokenKind::kEnd) return fault("'}' is missing at the end of the script");
      if (too_many_faults()) return false;
      command(call.commands, depth + 1);
    }
    advance();
    return true;
  }

  // Parses the name, arguments and tests of a command or test.
  bool call_proper(Call& call, std::size_t depth) {
    call.name = lower(token_.text);
    call.line = token_.line;
    call.rule = std::move(token_.rule);
    advance();
    while (argument_begins()) {
      if (call.tags.size() + call.arguments.size() >= limits_.arguments) {
        return fault("'" + call.name + "' has too many arguments");
      }
      if (token_.kind == TokenKind::kTag) {
        call.tags.push_back({lower(token_.text), token_.line, call.arguments.size(), {}, {}});
        advance();
      } else if (!argument(call)) {
        return false;
      }
    }
    if (token_.kind == TokenKind::kIdentifier) return test(call, depth);
    if (token_.is('(')) return test_list(call, depth);
    return token_.kind != TokenKind::kBad || unexpected({});
  }

  bool argument_begins() const {
    return token_.kind == TokenKind::kTag || token_.kind == TokenKind::kNumber ||
           token_.kind == TokenKind::kString || token_.is('[');
  }

  bool argument(Call& call) {
    Argument argument;
    argument.line = token_.line;
    if (token_.kind == TokenKind::kNumber) {
      argument.type = Argument::Type::kNumber;
      argument.number = token_.number;
    } else if (token_.kind == TokenKind::kString) {
      argument.texts.push_back({std::move(token_.text), {}, {}});
    } else if (!string_list(argument)) {
      return false;
    }
    advance();
    call.arguments.push_back(std::move(argument));
    return true;
  }

  // Does not consume the closing bracket.
  bool string_list(Argument& argument) {
    argument.type = Argument::Type::kList;
    do {
      advance();
      if (token_.kind != TokenKind::kString) return unexpected("a string of the list");
      argument.texts.push_back({std::move(token_.text), {}, {}});
      advance();
    } while (token_.is(','));
    return token_.is(']') || unexpected("',' or ']'");
  }

  bool test(Call& call, std::size_t depth) {
    if (depth >= limits_.nesting) return fault("tests are nested too deeply");
    call.tests.emplace_back();
    return call_proper(call.tests.back(), depth + 1);
  }

  bool test_list(Call& call, std::size_t depth) {
    call.list = true;
    do {
      advance();
      if (token_.kind != TokenKind::kIdentifier) return unexpected("a test");
      if (!test(call, depth)) return false;
    } while (token_.is(','));
    if (!token_.is(')')) return unexpected("',' or ')'");
    advance();
    return true;
  }

  Lexer lexer_;
  const Limits& limits_;
  Faults& faults_;
  Token token_;
};

}  // namespace

std::vector<Call> parse(std::string_view script, const Limits& limits, Faults& faults) {
  if (script.size() > limits.script_size) {
    faults.push_back(
        {{}, 1, "the script is larger than " + std::to_string(limits.script_size) + " octets"});
    return {};
  }
  if (script.starts_with("\xef\xbb\xbf")) script.remove_prefix(3);  // a byte order mark
  return Parser(script, limits, faults).script();
}

}  // namespace handoff::sieve
