// mailboxexists (RFC 5490 3.1) and specialuse_exists (RFC 8579 4).
#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/kinds.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

bool mailboxexists(Run& run, const Call& call) {
  bool all = true;
  auto folders = run.list(call.arguments[0]);
  for (const auto& folder : folders) {
    if (!is_printable_utf8(folder)) return false;
    if (!run.may_ask()) return false;
    auto exists = run.site().folder_exists(folder);
    if (!exists) return run.fail(exists.error()), false;
    run.note(call, escape(folder) + (exists.value() ? " exists" : " does not exist"));
    all = all && exists.value();
  }
  return all;
}

bool specialuse_exists(Run& run, const Call& call) {
  auto folder = call.arguments.size() > 1 ? run.string(call.arguments[0]) : std::string();
  auto uses = run.list(call.arguments.back());
  for (const auto& use : uses) {
    if (!run.may_ask()) return false;
    auto exists = run.site().special_use_exists(folder, use);
    if (!exists) return run.fail(exists.error()), false;
    if (!exists.value()) return false;
  }
  return true;
}

constexpr Kind kMailboxKinds[] = {
    {.name = "mailboxexists", .extension = "mailbox", .arguments = "S", .test = mailboxexists},
    {.name = "specialuse_exists",
     .extension = "special-use",
     .arguments = "?sS",
     .test = specialuse_exists},
};

}  // namespace

std::span<const Kind> mailbox_kinds() { return kMailboxKinds; }

}  // namespace handoff::sieve
