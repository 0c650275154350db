// A line of the server's log, in either format, as handoff-log(5) describes it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::ctl {

struct LogLine {
  // "delivered". For the text format it may begin with what syslog has added.
  std::string message;
  std::map<std::string, std::string, std::less<>> fields;

  // Empty if the line does not have the field.
  std::string field(std::string_view key) const;
  bool is(std::string_view wanted) const;
};

// Nothing if the line has no fields.
std::optional<LogLine> parse_log_line(std::string_view line);

}  // namespace handoff::ctl
