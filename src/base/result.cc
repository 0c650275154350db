#include "base/result.hh"

#include <system_error>

namespace handoff {

std::string Error::describe() const {
  if (reason == Reason::kSystem) return what + (path.empty() ? "" : " " + path) + ": " + cause();
  return what + (path.empty() ? "" : ": " + path);
}

// Uses generic_category and not strerror, which has a static buffer, and not system_category, which
// may answer "Undefined error: 0".
std::string Error::cause() const {
  return reason == Reason::kSystem ? std::generic_category().message(code) : what;
}

}  // namespace handoff
