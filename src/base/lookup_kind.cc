#include "base/lookup_kind.hh"

namespace handoff {

Error LookupSetting::locate(Error error) const {
  error.what = (origin.empty() ? "" : origin + ": ") +
               "recipients.lookup = " + std::string(kind.name) + ": " + error.what;
  return error;
}

}  // namespace handoff
