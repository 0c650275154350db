// duplicate (RFC 7352).
#include <algorithm>

#include "base/text.hh"
#include "sieve/kinds.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kDuplicateTags{TagUse{Tag::kHandle}, TagUse{Tag::kHeader},
                                    TagUse{Tag::kUniqueid}, TagUse{Tag::kSeconds},
                                    TagUse{Tag::kLast}};

// Returns the text that identifies the message, wherever it is from (RFC 7352 3.2); nothing if the
// message has none.
std::optional<std::string> unique_id(Run& run, const Call& call) {
  if (auto id = run.string(call, Tag::kUniqueid)) return id;
  auto name = run.string(call, Tag::kHeader).value_or("Message-ID");
  auto fields = run.message().header().find(name);
  if (fields.empty()) return std::nullopt;
  return fields.front()->decoded();
}

// RFC 7352 3: an ID is recorded only after a successful run, so the other tests of the same run do
// not see it.
bool duplicate(Run& run, const Call& call) {
  auto id = unique_id(run, call);
  if (!id) {
    run.note(call, "the message has no such field");
    return false;
  }
  Mark mark;
  mark.id = run.string(call, Tag::kHandle).value_or("") + '\0' + *id;
  const auto* seconds = call.argument(Tag::kSeconds);
  mark.seconds = std::min(seconds == nullptr ? run.limits().duplicate_default : seconds->number,
                          run.limits().duplicate_most);
  if (mark.seconds == 0) return false;  // RFC 7352 3.3
  if (!run.may_ask()) return false;
  auto seen = run.site().seen(mark);
  if (!seen) return run.fail(seen.error()), false;
  run.note(call, escape(*id) + (seen.value() ? " was seen before" : " is new"));
  // RFC 7352 3.3: without :last a duplicate does not extend the time for which an ID is remembered.
  auto& marks = run.plan().marks;
  if (!seen.value() || call.has(Tag::kLast)) {
    auto same = [&](const Mark& m) { return m.kind == mark.kind && m.id == mark.id; };
    if (std::ranges::any_of(marks, same)) return seen.value();
    if (marks.size() >= run.limits().marks)
      return run.fail(call.line, "'duplicate' has too many messages to remember"), false;
    marks.push_back(mark);
  }
  return seen.value();
}

constexpr Kind kDuplicateKinds[] = {
    {.name = "duplicate", .extension = "duplicate", .tags = kDuplicateTags, .test = duplicate},
};

}  // namespace

std::span<const Kind> duplicate_kinds() { return kDuplicateKinds; }

}  // namespace handoff::sieve
