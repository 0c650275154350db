#include "worker/plan_rules.hh"

#include <algorithm>
#include <string_view>
#include <variant>

#include "base/text.hh"
#include "lmtp/path.hh"

namespace handoff::worker {
namespace {

using Kind = sieve::Outgoing::Kind;

// The numbers of actions of each kind.
struct Counts {
  std::size_t copies = 0;
  std::size_t redirects = 0;
  std::size_t rejections = 0;
  std::size_t replies = 0;
  std::size_t notifications = 0;
};

Counts count_actions(const sieve::Plan& plan) {
  Counts counts;
  for (const auto& action : plan.actions) {
    if (std::holds_alternative<sieve::Copy>(action)) ++counts.copies;
    if (std::holds_alternative<sieve::Redirect>(action)) ++counts.redirects;
    if (std::holds_alternative<sieve::Rejection>(action)) ++counts.rejections;
    const auto* outgoing = std::get_if<sieve::Outgoing>(&action);
    if (outgoing != nullptr)
      ++(outgoing->kind == Kind::kVacation ? counts.replies : counts.notifications);
  }
  return counts;
}

bool is_header(std::string_view text) {
  if (text.empty()) return true;
  if (!text.ends_with('\n')) return false;
  text.remove_suffix(1);
  return all_parts(text, '\n', [](std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return !line.empty() &&
           std::ranges::none_of(line, [](char c) { return c == '\r' || c == '\0'; });
  });
}

std::optional<PlanFault> find_fault_of(const sieve::Redirect& redirect) {
  if (!is_one_address(redirect.to))
    return PlanFault{"the address of a redirect is not valid in SMTP", &redirect.place};
  if (!is_header(redirect.head)) return PlanFault{"a redirect adds something other than fields"};
  return std::nullopt;
}

std::optional<PlanFault> find_fault_of(const sieve::Outgoing& outgoing,
                                       const sieve::Limits& limits) {
  if (!outgoing.withheld.empty()) return std::nullopt;
  if (outgoing.text.size() > limits.outgoing_size)
    return PlanFault{"a message to send is too large"};
  bool has_mark = outgoing.mark.has_value();
  if (has_mark && outgoing.mark->kind != sieve::Mark::Kind::kVacation)
    return PlanFault{"a message to send has the mark of a test"};
  if (outgoing.kind == Kind::kVacation) {
    if (!outgoing.from.empty()) return PlanFault{"a reply has a sender"};
    if (!has_mark) return PlanFault{"a reply has no mark"};
    if (outgoing.to.size() != 1) return PlanFault{"a reply does not have one recipient"};
    return std::nullopt;
  }
  if (outgoing.to.empty() || outgoing.to.size() > limits.recipients)
    return PlanFault{"a notification has no recipient or too many"};
  bool valid = std::ranges::all_of(outgoing.to, is_one_address) &&
               (outgoing.from.empty() || is_one_address(outgoing.from));
  if (!valid)
    return PlanFault{"an address of a notification is not valid in SMTP", &outgoing.place};
  return std::nullopt;
}

}  // namespace

bool is_one_address(const std::string& text) {
  static constexpr std::size_t kLongest = 320;  // RFC 5321 4.5.3.1: 64 + 1 + 255
  if (text.empty() || text.size() > kLongest || text.front() == '-') return false;
  auto path = lmtp::parse_mailbox(text, {.any_labels = true});
  return path.fault == lmtp::PathFault::kNone && !path.address.domain.empty();
}

std::optional<PlanFault> find_fault(const sieve::Plan& plan, const sieve::Limits& limits) {
  auto counts = count_actions(plan);
  // The limit does not include the implicit keep.
  if (plan.actions.size() > limits.actions + 1) return PlanFault{"too many actions"};
  if (counts.redirects > limits.redirects) return PlanFault{"too many redirects"};
  if (counts.replies > 1) return PlanFault{"more than one reply"};
  if (counts.notifications > limits.notifications) return PlanFault{"too many notifications"};
  if (plan.marks.size() > limits.marks) return PlanFault{"too many marks"};
  bool kept_and_rejected = counts.rejections > 0 && counts.copies + counts.redirects > 0;
  if (kept_and_rejected || counts.rejections > 1)
    return PlanFault{"a rejection beside other actions"};
  // A plan that stores the message nowhere must say so; otherwise it may be the result of an error.
  if (plan.discarded != (counts.copies == 0 && counts.rejections == 0))
    return PlanFault{plan.discarded ? "a message is stored although it is discarded"
                                    : "nothing is done, and the message is not discarded"};
  for (const auto& mark : plan.marks) {
    if (mark.kind != sieve::Mark::Kind::kDuplicate)
      return PlanFault{"a test has the mark of a reply"};
  }
  for (const auto& action : plan.actions) {
    std::optional<PlanFault> fault;
    if (const auto* redirect = std::get_if<sieve::Redirect>(&action))
      fault = find_fault_of(*redirect);
    if (const auto* outgoing = std::get_if<sieve::Outgoing>(&action))
      fault = find_fault_of(*outgoing, limits);
    if (fault) return fault;
  }
  return std::nullopt;
}

}  // namespace handoff::worker
