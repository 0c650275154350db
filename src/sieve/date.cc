// date and currentdate (RFC 5260).
#include <algorithm>

#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/mime_fields.hh"
#include "sieve/moment.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kZoneTags{TagUse{Tag::kZone}, TagUse{Tag::kOriginalzone}};
constexpr std::array kCurrentTags{TagUse{Tag::kZone}};
constexpr auto kDateTags = join(kMatchTags, kZoneTags, kIndexTags);
constexpr auto kCurrentdateTags = join(kMatchTags, kCurrentTags);

void check_date(Checker& checker, Call& call) {
  check_mime_fields(checker, call);
  const auto* zone = call.argument(Tag::kZone);
  if (zone != nullptr && zone->texts.front().constant() &&
      !parse_zone(zone->texts.front().literal)) {
    checker.fault(zone->line, "a zone is written as \"+0200\"");
  }
  const auto& part = call.arguments[call.arguments.size() - 2].texts.front();
  if (part.constant() && !Moment{}.part(part.literal))
    checker.fault(call.line, "a date has no part '" + escape(part.literal) + "'");
}

// Converts `moment` to the zone that :zone names, or to the local one. With :originalzone it is not
// converted.
Moment converted(Run& run, const Call& call, Moment moment) {
  if (call.has(Tag::kOriginalzone)) return moment;
  moment.zone = run.facts().zone;
  if (auto zone = run.string(call, Tag::kZone))
    moment.zone = parse_zone(*zone).value_or(moment.zone);
  return moment;
}

// RFC 5260 4: the date is what follows the last semicolon (Received), if there is one outside of
// comments.
std::optional<Moment> date_of(const Field& field) {
  auto text = field.unfolded();
  std::size_t start = 0;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && depth > 0) --depth;
    if (text[i] == ';' && depth == 0) start = i + 1;
  }
  return parse_date(std::string_view(text).substr(start));
}

bool date(Run& run, const Call& call) {
  std::vector<std::string> values;
  auto fields = fields_of(run, call, {run.string(call.arguments[0])});
  if (!fields.empty()) {
    auto moment = date_of(*fields.front());
    auto value =
        moment ? converted(run, call, *moment).part(run.string(call.arguments[1])) : std::nullopt;
    if (value) values.push_back(*value);
  }
  return run.match(call, values, call.arguments[2]);
}

bool currentdate(Run& run, const Call& call) {
  std::vector<std::string> values;
  auto value = converted(run, call, {run.facts().now, {}}).part(run.string(call.arguments[0]));
  if (value) values.push_back(*value);
  return run.match(call, values, call.arguments[1]);
}

constexpr Kind kDateKinds[] = {
    {.name = "date",
     .extension = "date",
     .arguments = "ssS",
     .tags = kDateTags,
     .check = check_date,
     .test = date},
    {.name = "currentdate",
     .extension = "date",
     .arguments = "sS",
     .tags = kCurrentdateTags,
     .check = check_date,
     .test = currentdate},
};

}  // namespace

std::span<const Kind> date_kinds() { return kDateKinds; }

}  // namespace handoff::sieve
