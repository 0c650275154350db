#include "conf/layout.hh"

#include "base/text.hh"

namespace handoff::conf {

namespace {

// Checks the variable at the start of `text`, which begins with %. Returns the reason why it is
// invalid; empty if it is valid. Sets `size` to the length of the variable in octets, and `whole`
// to whether it names a single recipient.
std::string variable_fault(std::string_view text, std::size_t& size, bool& whole) {
  std::size_t digits = 0;
  while (1 + digits < text.size() && is_digit(text[1 + digits])) ++digits;
  auto variable = text.substr(0, digits + 2);
  size = variable.size();
  char letter = variable.size() == digits + 2 ? variable.back() : '\0';
  if (letter != 'u' && letter != 'n' && letter != 'd') {
    return "has the unknown variable " + std::string(variable) +
           "; known are %u, %n, %d, %h, and %2n (the first two characters)";
  }
  if (digits > 0) {
    auto length = parse_number(variable.substr(1, digits));
    if (!length || *length < 1 || *length > 64) {
      return std::string(variable) + " must take 1 to 64 characters";
    }
  }
  whole = digits == 0 && letter != 'd';
  return {};
}

}  // namespace

std::string layout_fault(std::string_view layout) {
  bool names_recipient = false;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    if (is_control(layout[i])) return "must not contain control characters";
    if (layout.substr(i, 2) == "%h") {
      bool alone = i == 0 && (layout.size() == 2 || layout[2] == '/');
      if (!alone) return "must have %h at its beginning and nowhere else, such as %h/Maildir";
      names_recipient = true;
      ++i;
      continue;
    }
    if (layout[i] != '%') continue;
    std::size_t size = 0;
    bool whole = false;
    if (auto fault = variable_fault(layout.substr(i), size, whole); !fault.empty()) return fault;
    names_recipient = names_recipient || whole;
    i += size - 1;
  }
  for (auto part : split(layout, '/')) {
    if (part.empty()) return "must be a relative path without empty parts, such as %d/%n";
    if (part.front() == '.') return "must have no part that begins with a dot";
  }
  if (!names_recipient) return "must contain %n or %u, or recipients would share a mailbox";
  return {};
}

std::string script_fault(std::string_view path) {
  bool begins = path.starts_with("/") || path.starts_with("%h/");
  if (!begins) return "must be an absolute path, or begin with %h/, such as %h/.dovecot.sieve";
  auto rest = path.substr(path.find('/') + 1);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (is_control(rest[i])) return "must not contain control characters";
    if (rest[i] != '%') continue;
    std::size_t size = 0;
    bool whole = false;
    if (auto fault = variable_fault(rest.substr(i), size, whole); !fault.empty()) return fault;
    i += size - 1;
  }
  for (auto part : split(rest, '/')) {
    if (part.empty() || part == "." || part == "..")
      return "must have no part that is empty, . or ..";
  }
  return {};
}

}  // namespace handoff::conf
