#include "ctl/plan_text.hh"

#include <ostream>

#include "base/text.hh"

namespace handoff::ctl {
namespace {

constexpr std::size_t kLongestValue = 200;  // octets of a value that are shown
constexpr std::size_t kMostValues = 20;

std::string shown(std::string_view value) {
  bool cut = value.size() > kLongestValue;
  return "\"" + escape(value.substr(0, kLongestValue)) + (cut ? "\"..." : "\"");
}

std::string shown(const std::vector<std::string>& values) {
  if (values.empty()) return "nothing";
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == kMostValues) return out + ", ...";
    out += (i == 0 ? "" : ", ") + shown(values[i]);
  }
  return out;
}

std::string where(const sieve::Place& place, bool places) {
  if (!places) return {};
  if (place.line == 0) return " (implicit keep)";
  auto out = " (" + (place.script.empty() ? "" : escape(place.script) + ", ") + "line " +
             std::to_string(place.line);
  if (!place.rule.empty()) out += ", rule " + shown(place.rule);
  return out + ")";
}

std::string edits(const sieve::Edited& edited) {
  if (edited.body != nullptr) return ", with another content";
  return edited.header != nullptr ? ", with an edited header" : "";
}

std::string words(const sieve::Copy& copy, bool places) {
  auto out = copy.folder.empty() ? std::string("keep") : "store in " + shown(copy.folder);
  if (!copy.special_use.empty()) out += " or the folder for " + escape(copy.special_use);
  if (copy.create) out += ", which is created if necessary";
  for (std::size_t i = 0; i < copy.flags.size(); ++i)
    out += (i == 0 ? ", flags " : " ") + escape(copy.flags[i]);
  return out + edits(copy.edited) + where(copy.place, places);
}
std::string words(const sieve::Redirect& redirect, bool places) {
  return "redirect to " + escape(redirect.to) + edits(redirect.edited) +
         where(redirect.place, places);
}
std::string words(const sieve::Rejection& rejection, bool places) {
  return "reject: " + shown(rejection.reason) + where(rejection.place, places);
}
std::string words(const sieve::Outgoing& outgoing, bool places) {
  std::string out =
      outgoing.kind == sieve::Outgoing::Kind::kVacation ? "vacation reply" : "notification";
  if (!outgoing.withheld.empty())
    return "no " + out + ": " + outgoing.withheld + where(outgoing.place, places);
  for (std::size_t i = 0; i < outgoing.to.size(); ++i)
    out += (i == 0 ? " to " : ", ") + escape(outgoing.to[i]);
  out += where(outgoing.place, places);
  if (outgoing.copy) out += "\n    and a copy of it: " + words(*outgoing.copy, places);
  return out;
}

}  // namespace

std::string summary(const sieve::Action& action) {
  return std::visit([](const auto& a) { return words(a, false); }, action);
}

void print_trace(std::ostream& out, const std::string& script, const sieve::Trace& trace) {
  for (const auto& entry : trace) {
    out << (entry.script.empty() ? script : escape(entry.script)) << ":" << entry.line << ": "
        << escape(entry.call) << ": ";
    if (entry.result == sieve::TraceEntry::Result::kDone) {
      out << entry.note << "\n";
      continue;
    }
    out << shown(entry.values) << " against " << shown(entry.keys) << ": "
        << (entry.result == sieve::TraceEntry::Result::kTrue ? "true" : "false") << "\n";
  }
}

void print_plan(std::ostream& out, const sieve::Plan& plan) {
  out << "plan:\n";
  for (const auto& action : plan.actions) {
    out << "  " << std::visit([](const auto& a) { return words(a, true); }, action) << "\n";
  }
  if (plan.discarded) out << "  no copy is stored\n";
  for (const auto& mark : plan.marks)
    out << "  remember this message for " << mark.seconds << " seconds\n";
}

}  // namespace handoff::ctl
