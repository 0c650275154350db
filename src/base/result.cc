#include "base/result.hh"

#include <system_error>

namespace handoff {

std::string Error::describe() const {
  std::string text = what;
  if (!path.empty()) text += " " + path;
  // generic_category, not strerror: no static buffer, and never "Undefined error: 0" for a
  // code that is an errno.
  return text + ": " + std::generic_category().message(code);
}

}  // namespace handoff
