#include "ctl/status_screen.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::ctl {
namespace {

constexpr std::size_t kLabel = 11;  // columns of "workers    "

// Splits `line` into pieces of at most `columns`, and indents all but the first.
std::vector<std::string> wrap(std::string_view line, std::size_t columns) {
  std::vector<std::string> out;
  std::string indent;
  while (indent.size() + line.size() > columns) {
    auto room = columns - indent.size();
    auto blank = line.rfind(' ', room);
    bool at_blank = blank != line.npos && (blank > kLabel || !indent.empty());
    auto end = at_blank ? blank : room;
    out.push_back(indent + std::string(line.substr(0, end)));
    line.remove_prefix(at_blank ? end + 1 : end);
    indent = std::string(kLabel, ' ');
  }
  out.push_back(indent + std::string(line));
  return out;
}

// Returns the first line: "handoff 0.9.0 on mail.example.org: serving, pid 4711, up 2 h".
std::string coloured_headline(const std::string& line, const Colours& colours) {
  auto begin = line.find(": ");
  if (begin == line.npos) return line;
  begin += 2;
  auto end = std::min(line.find(',', begin), line.size());
  auto state = line.substr(begin, end - begin);
  auto painted = state == "serving"          ? colours.green(state)
                 : state == "not delivering" ? colours.red(state)
                                             : colours.yellow(state);
  return line.substr(0, begin) + painted + line.substr(end);
}

}  // namespace

std::string fit_table(std::string_view table, std::size_t columns, const Colours& colours) {
  std::string out;
  bool first = true;
  bool workers = false;  // below the blank line
  columns = std::max(columns, 2 * kLabel);
  for (std::string_view line : split(table, '\n')) {
    workers = workers || line.empty();
    std::vector<std::string> pieces{std::string(line)};
    if (line.size() > columns) {
      if (workers) {
        pieces.front() = std::string(line.substr(0, columns - 1)) + "~";
      } else {
        pieces = wrap(line, columns);
      }
    }
    for (auto& piece : pieces) {
      if (first) piece = coloured_headline(piece, colours);
      first = false;
      bool failure = !workers && (line.starts_with("failed ") || line.starts_with("reason "));
      out += (failure ? colours.red(piece) : piece) + "\n";
    }
  }
  out.pop_back();  // split() ends with an empty part after the last line
  return out;
}

std::string fit_screen(std::string_view text, std::size_t lines) {
  auto all = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  if (lines < 3 || all < lines) return std::string(text);
  std::size_t end = 0;
  for (std::size_t shown = 0; shown + 2 < lines; ++shown) end = text.find('\n', end) + 1;
  return std::string(text.substr(0, end)) + "... " + std::to_string(all + 2 - lines) +
         " more lines\n";
}

}  // namespace handoff::ctl
