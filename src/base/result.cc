#include "base/result.hh"

#include <system_error>

namespace handoff {

std::string Error::describe() const {
  std::string text = what;
  if (!path.empty()) text += " " + path;
  return text + ": " + cause();
}

// generic_category, not strerror: no static buffer, and never "Undefined error: 0" for a code that
// is an errno.
std::string Error::cause() const { return std::generic_category().message(code); }

}  // namespace handoff
