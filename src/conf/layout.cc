#include "conf/layout.hh"

#include "base/text.hh"

namespace handoff::conf {

std::string layout_fault(std::string_view layout) {
  bool names_recipient = false;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    if (is_control(layout[i])) return "must not contain control characters";
    if (layout.substr(i, 2) == "%h") {
      bool alone = i == 0 && (layout.size() == 2 || layout[2] == '/');
      if (!alone) return "must have %h at its beginning and nowhere else, as %h/Maildir";
      names_recipient = true;
      ++i;
      continue;
    }
    if (layout[i] != '%') continue;
    std::size_t digits = 0;
    while (i + 1 + digits < layout.size() && is_digit(layout[i + 1 + digits])) ++digits;
    auto variable = layout.substr(i, digits + 2);
    char letter = variable.size() == digits + 2 ? variable.back() : '\0';
    if (letter != 'u' && letter != 'n' && letter != 'd') {
      return "knows no variable " + std::string(variable) +
             ", only %u, %n, %d, %h, and %2n (the first two characters)";
    }
    if (digits > 0) {
      auto length = parse_number(variable.substr(1, digits));
      if (!length || *length < 1 || *length > 64) {
        return std::string(variable) + " must take 1 to 64 characters";
      }
    } else if (letter != 'd') {
      names_recipient = true;
    }
    i += digits + 1;
  }
  for (auto part : split(layout, '/')) {
    if (part.empty()) return "must be a relative path without empty parts, as %d/%n";
    if (part.front() == '.') return "must have no part that begins with a dot";
  }
  if (!names_recipient) return "must contain %n or %u, or recipients would share a mailbox";
  return {};
}

}  // namespace handoff::conf
