// Splits a script into tokens (RFC 5228 8.1). Never fails: a malformed token is returned as kBad,
// and its text is the reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sieve/limits.hh"

namespace handoff::sieve {

enum class TokenKind : std::uint8_t {
  kIdentifier,  // text: as written
  kTag,         // text: without its colon
  kNumber,      // number: multiplied by its quantifier
  kString,      // text: quoted or multi-line, without escapes and dot-stuffing
  kMark,        // text: one of ( ) [ ] { } , ;
  kEnd,
  kBad,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::uint64_t number = 0;
  std::size_t line = 1;
  std::string rule;  // NAME of a preceding comment "# rule:[NAME]", as written by Roundcube

  bool is(char mark) const { return kind == TokenKind::kMark && text[0] == mark; }
};

class Lexer {
 public:
  // `script` must outlive the lexer.
  Lexer(std::string_view script, const Limits& limits) : rest_(script), limits_(limits) {}
  Token next();

 private:
  void skip_blanks(Token& token);
  void skip_comment(Token& token);
  Token identifier(Token token);
  Token number(Token token);
  Token quoted(Token token);
  Token multi_line(Token token);
  Token bad(Token token, std::string what);
  // Removes and returns `count` octets, and counts their lines.
  std::string_view take(std::size_t count);

  std::string_view rest_;
  const Limits& limits_;
  std::size_t line_ = 1;
  std::string bad_comment_;
};

}  // namespace handoff::sieve
