#include "conf/assignment.hh"

#include "base/text.hh"

namespace handoff::conf {

std::string Assignment::where() const {
  std::string shown = escape(value) + ": ";
  switch (source) {
    case Source::kFile:
      return file + ":" + std::to_string(line) + ": " + key + " = " + shown;
    case Source::kOption:
      return "option --" + key + ": " + shown;
    default:
      return key + " = " + shown;
  }
}

}  // namespace handoff::conf
