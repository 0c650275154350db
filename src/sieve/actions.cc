// Actions: keep, discard, fileinto, redirect (RFC 5228 4), reject and ereject (RFC 5429),
// debug_log.
#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/address_list.hh"
#include "sieve/checker.hh"
#include "sieve/copies.hh"
#include "sieve/flags.hh"
#include "sieve/kinds.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::size_t kLongestFolder = 1024;  // octets; the limit of IMAP servers is lower

constexpr std::array kKeepTags{TagUse{Tag::kFlags, "imap4flags"}};
constexpr std::array kFileintoTags{
    TagUse{Tag::kCopy, "copy"},
    TagUse{Tag::kCreate, "mailbox"},
    TagUse{Tag::kFlags, "imap4flags"},
    TagUse{Tag::kSpecialuse, "special-use"},
};
constexpr std::array kRedirectTags{TagUse{Tag::kCopy, "copy"}};

bool is_folder(std::string_view name) {
  return !name.empty() && name.size() <= kLongestFolder && is_printable_utf8(name);
}
// RFC 8579 2, RFC 6154 6: a special use is a flag, a backslash and letters.
bool is_special_use(std::string_view use) {
  return use.size() > 1 && use.front() == '\\' && std::ranges::all_of(use.substr(1), is_alpha);
}

Flow keep(Run& run, const Call& call) {
  Copy copy;
  copy.place = run.place(call);
  copy.flags = flags_of(run, call);
  copy.edited = run.message().edited();
  run.note(call, "into " + run.facts().folder);
  return run.add(call, std::move(copy));
}

Flow discard(Run& run, const Call& call) {
  run.cancel_keep();
  run.plan().discarded_by = run.place(call);
  run.note(call, "no copy");
  return Flow::kNext;
}

void check_fileinto(Checker& checker, Call& call) {
  check_folder(checker, call.arguments[0]);
  check_copy(checker, call);
}
Flow fileinto(Run& run, const Call& call) {
  auto copy = make_copy(run, call, run.string(call.arguments[0]));
  if (!copy) return Flow::kFailed;
  run.note(call, "into " + escape(copy->folder));
  return run.add(call, std::move(*copy), call.has(Tag::kCopy));
}

// Returns whether this would be a loop. The implicit keep then stays, so that the message is not
// lost.
bool redirected_before(Run& run) {
  for (const auto* field : run.message().header().find("X-Sieve-Redirected-From")) {
    auto from = field->unfolded();
    auto same = [&](const std::string& own) { return iequals(own, from); };
    if (same(run.facts().to) || std::ranges::any_of(run.facts().addresses, same)) return true;
  }
  return false;
}

void check_redirect(Checker& checker, Call& call) {
  const auto& text = call.arguments[0].texts.front();
  if (text.constant() && !parse_one_address(text.literal)) {
    checker.fault(call.line, "'" + escape(text.literal) + "' is not one address");
  }
}
Flow redirect(Run& run, const Call& call) {
  auto text = run.string(call.arguments[0]);
  auto address = parse_one_address(text);
  if (!address) return run.fail(call.line, "redirect: '" + escape(text) + "' is not one address");
  if (redirected_before(run)) {
    run.note(call, "not sent: the message was redirected from here before");
    return Flow::kNext;
  }
  Redirect action;
  action.place = run.place(call);
  action.to = address->address();
  action.edited = run.message().edited_for_redirect();
  action.head = "X-Sieve-Redirected-From: " + run.facts().to + std::string(run.message().newline());
  run.note(call, "to " + action.to);
  return run.add(call, std::move(action), call.has(Tag::kCopy));
}

Flow refuse(Run& run, const Call& call) {
  Rejection action;
  action.place = run.place(call);
  action.reason = run.string(call.arguments[0]);
  if (action.reason.size() > run.limits().reason_size)
    action.reason.resize(run.limits().reason_size);
  action.ereject = call.name == "ereject";
  run.note(call, "\"" + escape(action.reason) + "\"");
  return run.add(call, std::move(action));
}

Flow debug_log(Run& run, const Call& call) {
  auto line = run.string(call.arguments[0]);
  run.note(call, escape(line));
  run.log(std::move(line));
  return Flow::kNext;
}

constexpr Kind kActionKinds[] = {
    {.name = "keep", .extension = "", .tags = kKeepTags, .command = keep},
    {.name = "discard", .extension = "", .command = discard},
    {.name = "fileinto",
     .extension = "fileinto",
     .arguments = "s",
     .tags = kFileintoTags,
     .check = check_fileinto,
     .command = fileinto},
    {.name = "redirect",
     .extension = "",
     .arguments = "s",
     .tags = kRedirectTags,
     .check = check_redirect,
     .command = redirect},
    {.name = "reject", .extension = "reject", .arguments = "s", .command = refuse},
    {.name = "ereject", .extension = "ereject", .arguments = "s", .command = refuse},
    {.name = "debug_log", .extension = "vnd.dovecot.debug", .arguments = "s", .command = debug_log},
};

}  // namespace

std::span<const Kind> action_kinds() { return kActionKinds; }

void check_folder(Checker& checker, const Argument& folder) {
  const auto& text = folder.texts.front();
  if (text.constant() && !is_folder(text.literal)) {
    checker.fault(folder.line, "invalid folder name '" + escape(text.literal) + "'");
  }
}

void check_copy(Checker& checker, Call& call) {
  const auto* use = call.argument(Tag::kSpecialuse);
  if (use == nullptr || !use->texts.front().constant() ||
      is_special_use(use->texts.front().literal))
    return;
  checker.fault(call.line, "'" + escape(use->texts.front().literal) +
                               "' is not a special use, such as \"\\\\Junk\"");
}

void check_fcc(Checker& checker, Call& call) {
  const auto* folder = call.argument(Tag::kFcc);
  if (folder != nullptr) {
    check_folder(checker, *folder);
    return check_copy(checker, call);
  }
  for (auto tag : {Tag::kCreate, Tag::kFlags, Tag::kSpecialuse}) {
    if (call.has(tag)) checker.fault(call.line, "':" + call.find(tag)->name + "' needs ':fcc'");
  }
}

std::optional<Copy> make_copy(Run& run, const Call& call, const std::string& folder) {
  if (!is_folder(folder)) {
    run.fail(call.line, call.name + ": invalid folder name '" + escape(folder) + "'");
    return std::nullopt;
  }
  Copy copy;
  copy.place = run.place(call);
  copy.folder = folder;
  copy.create = call.has(Tag::kCreate);
  copy.flags = flags_of(run, call);
  copy.special_use = run.string(call, Tag::kSpecialuse).value_or("");
  if (!copy.special_use.empty() && !is_special_use(copy.special_use)) {
    run.fail(call.line, "'" + escape(copy.special_use) + "' is not a special use");
    return std::nullopt;
  }
  copy.edited = run.message().edited();
  if (run.failed()) return std::nullopt;
  return copy;
}

std::optional<Copy> make_fcc(Run& run, const Call& call) {
  auto folder = run.string(call, Tag::kFcc);
  if (!folder) return std::nullopt;
  auto copy = make_copy(run, call, *folder);
  if (copy) copy->edited = {};
  return copy;
}

}  // namespace handoff::sieve
