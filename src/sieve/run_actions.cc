// The actions of a run: which exclude each other, which do the same, how many there may be.
#include <algorithm>
#include <utility>

#include "sieve/run.hh"

namespace handoff::sieve {

bool Run::count_header_edit(std::size_t line) {
  if (++edits_ <= limits_.header_edits) return true;
  fail(line, "the script edits the header too often");
  return false;
}

// RFC 5429 2.4: a message that is rejected is neither delivered nor answered by vacation.
bool Run::conflicts(const Action& action) const {
  auto excludes = [](const Action& a, const Action& b) {
    if (!std::holds_alternative<Rejection>(a)) return false;
    const auto* outgoing = std::get_if<Outgoing>(&b);
    return outgoing == nullptr || outgoing->kind == Outgoing::Kind::kVacation;
  };
  return std::ranges::any_of(plan_.actions, [&](const Action& earlier) {
    return excludes(action, earlier) || excludes(earlier, action);
  });
}

// Returns whether an earlier action does the same; the earlier action then gets the flags of the
// later one (RFC 5232 2.3). Edits of the header make no difference (RFC 5293 7).
bool Run::merge(const Action& action) {
  for (auto& earlier : plan_.actions) {
    if (auto* a = std::get_if<Copy>(&earlier);
        a != nullptr && std::holds_alternative<Copy>(action)) {
      const auto& b = std::get<Copy>(action);
      auto folder = [&](const Copy& c) { return c.keeps() ? facts_->folder : c.folder; };
      if (folder(*a) != folder(b) || a->special_use != b.special_use ||
          !a->edited.same_body(b.edited))
        continue;
      a->flags = b.flags;
      return true;
    }
    if (auto* a = std::get_if<Redirect>(&earlier);
        a != nullptr && std::holds_alternative<Redirect>(action)) {
      if (a->to == std::get<Redirect>(action).to) return true;
    }
  }
  return false;
}

Flow Run::add(const Call& call, Action action, bool copies) {
  if (conflicts(action)) {
    return fail(call.line, "'" + call.name +
                               "' conflicts with an earlier action: a message cannot be rejected "
                               "and also delivered or answered");
  }
  if (!copies) keep_ = false;
  if (merge(action)) return Flow::kNext;
  if (plan_.actions.size() >= limits_.actions)
    return fail(call.line, "the total number of actions exceeds policy limit");
  if (std::holds_alternative<Redirect>(action)) {
    auto count = std::ranges::count_if(
        plan_.actions, [](const Action& a) { return std::holds_alternative<Redirect>(a); });
    if (static_cast<std::size_t>(count) >= limits_.redirects) {
      return fail(call.line, "the number of redirect actions exceeds policy limit");
    }
  }
  plan_.actions.push_back(std::move(action));
  return Flow::kNext;
}

}  // namespace handoff::sieve
