// addheader and deleteheader (RFC 5293).
#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kAddTags{TagUse{Tag::kLast}};
constexpr std::array kDeleteIndexTags{TagUse{Tag::kIndex}, TagUse{Tag::kLast}};
constexpr auto kDeleteTags = join(kMatchTags, kDeleteIndexTags);

// The field that prevents loops of redirects.
constexpr std::string_view kLoopField = "X-Sieve-Redirected-From";

// RFC 5293 6: the trace of a message must be preserved. Received and Auto-Submitted must not be
// deleted; neither must the field that prevents loops of redirects, and the fields that replace
// makes (RFC 5703 5).
bool is_protected(std::string_view name) {
  static constexpr std::string_view kProtected[] = {"Received", "Auto-Submitted", kLoopField,
                                                    "Original-Subject", "Original-From"};
  return std::ranges::any_of(kProtected, [&](std::string_view p) { return iequals(p, name); });
}

bool is_value(std::string_view value) { return value.find('\0') == std::string_view::npos; }

// Unfolds a value: joins its lines at their blanks.
std::string one_line(std::string_view value) {
  std::string out;
  bool line_end = false;
  for (char c : value) {
    if (c == '\r') continue;
    if (c == '\n') line_end = true;
    if (c == '\n') continue;
    // A continuation line already begins with a blank.
    if (line_end && c != ' ' && c != '\t') out += ' ';
    line_end = false;
    out += c;
  }
  return std::string(trim(out));
}

// Returns the reason why a field cannot be added; empty if it can.
std::string wrong(std::string_view name, std::string_view value, const Limits& limits) {
  if (!is_field_name(name)) return "field name '" + escape(name) + "' is invalid";
  if (!is_value(value)) return "value '" + escape(value) + "' of a field is invalid";
  if (name.size() + value.size() > limits.header_size)
    return "a field is larger than " + std::to_string(limits.header_size) + " octets";
  return {};
}

void check_add(Checker& checker, Call& call) {
  const auto& name = call.arguments[0].texts.front();
  const auto& value = call.arguments[1].texts.front();
  auto fault = wrong(name.constant() ? name.literal : "X", value.constant() ? value.literal : "",
                     checker.limits());
  if (!fault.empty()) checker.fault(call.line, fault);
}
Flow addheader(Run& run, const Call& call) {
  auto name = run.string(call.arguments[0]);
  auto value = run.string(call.arguments[1]);
  auto fault = wrong(name, value, run.limits());
  if (!fault.empty()) return run.fail(call.line, "addheader: " + fault);
  if (iequals(name, kLoopField)) {
    run.note(call, name + " is protected and is not added");
    return Flow::kNext;
  }
  if (!run.count_header_edit(call.line)) return Flow::kFailed;
  run.note(call, name + ": " + escape(value));
  run.message().add_field(name, one_line(value), call.has(Tag::kLast));
  return Flow::kNext;
}

void check_delete(Checker& checker, Call& call) {
  const auto& name = call.arguments[0].texts.front();
  if (name.constant() && !is_field_name(name.literal))
    checker.fault(call.line, "field name '" + escape(name.literal) + "' is invalid");
  const auto* index = call.argument(Tag::kIndex);
  if (call.has(Tag::kLast) && index == nullptr) checker.fault(call.line, "':last' needs ':index'");
  if (index != nullptr && index->number == 0) checker.fault(call.line, "':index' counts from 1");
}
Flow deleteheader(Run& run, const Call& call) {
  auto name = run.string(call.arguments[0]);
  if (!is_field_name(name))
    return run.fail(call.line, "deleteheader: field name '" + escape(name) + "' is invalid");
  if (is_protected(name)) {
    run.note(call, name + " is protected and stays");
    return Flow::kNext;
  }
  auto fields = run.message().header().find(name);
  if (call.has(Tag::kIndex)) {
    auto at = Run::index(call, fields.size());
    fields = at ? std::vector{fields[*at]} : std::vector<const Field*>();
  }
  // From the last to the first, so that the earlier fields keep their positions.
  for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
    if (call.arguments.size() > 1 && !run.match(call, {(*field)->decoded()}, call.arguments[1]))
      continue;
    if (run.failed() || !run.count_header_edit(call.line)) return Flow::kFailed;
    run.note(call, escape((*field)->name + ": " + (*field)->decoded()));
    run.message().remove_field(*field);
  }
  return Flow::kNext;
}

constexpr Kind kEditheaderKinds[] = {
    {.name = "addheader",
     .extension = "editheader",
     .arguments = "ss",
     .tags = kAddTags,
     .check = check_add,
     .command = addheader},
    {.name = "deleteheader",
     .extension = "editheader",
     .arguments = "sS?",
     .tags = kDeleteTags,
     .check = check_delete,
     .command = deleteheader},
};

}  // namespace

std::span<const Kind> editheader_kinds() { return kEditheaderKinds; }

}  // namespace handoff::sieve
