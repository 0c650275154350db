// Tests: true, false, not, allof, anyof, exists, header, address, envelope, size (RFC 5228 5) and
// string (RFC 5229 5).
#include <algorithm>
#include <set>

#include "base/text.hh"
#include "sieve/address_list.hh"
#include "sieve/address_part.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/mime_fields.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr auto kHeaderTags = join(kMatchTags, kIndexTags, kMimeTags, kMimePartTags);
constexpr auto kAddressTags = join(kMatchTags, kAddressPartTags, kIndexTags, kMimeTags);
constexpr auto kEnvelopeTags = join(kMatchTags, kAddressPartTags);
constexpr std::array kSizeTags{TagUse{Tag::kOver}, TagUse{Tag::kUnder}};

bool yes(Run&, const Call&) { return true; }
bool no(Run&, const Call&) { return false; }
bool negated(Run& run, const Call& call) { return !run.test(call.tests.front()) && !run.failed(); }
bool allof(Run& run, const Call& call) {
  return std::ranges::all_of(call.tests, [&](const Call& test) { return run.test(test); });
}
bool anyof(Run& run, const Call& call) {
  return std::ranges::any_of(call.tests,
                             [&](const Call& test) { return run.failed() || run.test(test); });
}

bool exists(Run& run, const Call& call) {
  auto names = run.list(call.arguments[0]);
  return std::ranges::all_of(
      names, [&](const std::string& name) { return !fields_of(run, call, {name}).empty(); });
}

bool header(Run& run, const Call& call) {
  std::vector<std::string> values;
  for (const auto* field : fields_of(run, call, run.list(call.arguments[0]))) {
    for (auto& value : values_of(run, call, *field)) values.push_back(std::move(value));
  }
  return run.match(call, values, call.arguments[1]);
}

// RFC 5228 5.1: fields that contain addresses, including those of RFC 5322 and Pigeonhole.
bool has_addresses(std::string_view name) {
  static const std::set<std::string, std::less<>> kNames{"from",
                                                         "to",
                                                         "cc",
                                                         "bcc",
                                                         "sender",
                                                         "reply-to",
                                                         "resent-from",
                                                         "resent-to",
                                                         "resent-cc",
                                                         "resent-bcc",
                                                         "resent-sender",
                                                         "resent-reply-to",
                                                         "return-path",
                                                         "delivered-to",
                                                         "x-original-to",
                                                         "envelope-to",
                                                         "envelope-from",
                                                         "apparently-to",
                                                         "errors-to",
                                                         "disposition-notification-to",
                                                         "return-receipt-to",
                                                         "mail-followup-to",
                                                         "mail-reply-to",
                                                         "x-original-from",
                                                         "approved",
                                                         "for-approval",
                                                         "for-comment",
                                                         "for-handling",
                                                         "registered-mail-reply-requested-by",
                                                         "read-receipt-to",
                                                         "return-receipt-requested",
                                                         "x-admin",
                                                         "x-confirm-reading-to",
                                                         "list-post",
                                                         "original-recipient",
                                                         "abuse-reports-to",
                                                         "x-complaints-to",
                                                         "x-report-abuse-to",
                                                         "x-beenthere",
                                                         "x-bounce-to",
                                                         "x-mailing-list"};
  return kNames.contains(lower(name));
}
// RFC 5703 4.2: parts may have other fields with addresses, such as "Content-From".
void check_address(Checker& checker, Call& call) {
  if (call.has(Tag::kMime)) return;
  for (const auto& text : call.arguments[0].texts) {
    if (text.constant() && !has_addresses(text.literal)) {
      checker.fault(call.line,
                    "field '" + escape(text.literal) + "' has no addresses for the address test");
    }
  }
}
bool address(Run& run, const Call& call) {
  std::vector<std::string> values;
  for (const auto* field : fields_of(run, call, run.list(call.arguments[0]))) {
    for (const auto& mailbox : parse_address_list(field->unfolded())) {
      if (auto part = address_part(call, mailbox, run.facts().separators)) values.push_back(*part);
    }
  }
  return run.match(call, values, call.arguments[1]);
}

bool is_envelope_part(std::string_view name) {
  return iequals(name, "from") || iequals(name, "to") || iequals(name, "auth") ||
         iequals(name, "orig_to");
}
void check_envelope(Checker& checker, Call& call) {
  for (const auto& text : call.arguments[0].texts) {
    if (text.constant() && !is_envelope_part(text.literal)) {
      checker.fault(call.line, "the envelope has no part '" + escape(text.literal) + "'");
    }
  }
}
bool envelope(Run& run, const Call& call) {
  std::vector<std::string> values;
  const auto& facts = run.facts();
  for (const auto& name : run.list(call.arguments[0])) {
    if (iequals(name, "auth")) {
      if (!facts.auth.empty()) values.push_back(facts.auth);
      continue;
    }
    if (!is_envelope_part(name)) continue;
    bool from = iequals(name, "from");
    const auto& to =
        iequals(name, "orig_to") && !facts.original_to.empty() ? facts.original_to : facts.to;
    auto path = parse_path(from ? facts.from : to);
    if (!path) continue;
    // RFC 5228 5.4: for the null sender, every part of the address is an empty string.
    if (path->local.empty() && path->domain.empty()) {
      if (!call.has(Tag::kDetail)) values.emplace_back();
    } else if (auto part = address_part(call, *path, facts.separators)) {
      values.push_back(*part);
    }
  }
  return run.match(call, values, call.arguments[1]);
}

void check_size(Checker& checker, Call& call) {
  if (!call.has(Tag::kOver) && !call.has(Tag::kUnder)) {
    checker.fault(call.line, "'size' needs ':over' or ':under'");
  } else if (call.tags.front().before != 0) {
    checker.fault(call.line, "':over' and ':under' come before the number");
  }
}
bool size(Run& run, const Call& call) {
  auto is = run.message().size();
  auto limit = call.arguments[0].number;
  bool result = call.has(Tag::kOver) ? is > limit : is < limit;
  run.note(call, std::to_string(is) + (call.has(Tag::kOver) ? " over " : " under ") +
                     std::to_string(limit) + (result ? ": true" : ": false"));
  return result;
}

bool string(Run& run, const Call& call) {
  auto values = run.list(call.arguments[0]);
  // RFC 5229 5: empty strings are not counted.
  if (call.has(Tag::kCount)) std::erase(values, "");
  return run.match(call, values, call.arguments[1]);
}

constexpr Kind kTestKinds[] = {
    {.name = "true", .extension = "", .test = yes},
    {.name = "false", .extension = "", .test = no},
    {.name = "not", .extension = "", .shape = Shape::kTest, .test = negated},
    {.name = "allof", .extension = "", .shape = Shape::kTests, .test = allof},
    {.name = "anyof", .extension = "", .shape = Shape::kTests, .test = anyof},
    {.name = "exists",
     .extension = "",
     .arguments = "S",
     .tags = kMimeTags,
     .check = check_mime_fields,
     .test = exists},
    {.name = "header",
     .extension = "",
     .arguments = "SS",
     .tags = kHeaderTags,
     .check = check_mime_fields,
     .test = header},
    {.name = "address",
     .extension = "",
     .arguments = "SS",
     .tags = kAddressTags,
     .check =
         [](Checker& checker, Call& call) {
           check_address(checker, call);
           check_mime_fields(checker, call);
         },
     .test = address},
    {.name = "envelope",
     .extension = "envelope",
     .arguments = "SS",
     .tags = kEnvelopeTags,
     .check = check_envelope,
     .test = envelope},
    {.name = "size",
     .extension = "",
     .arguments = "n",
     .tags = kSizeTags,
     .check = check_size,
     .test = size},
    {.name = "string",
     .extension = "variables",
     .arguments = "SS",
     .tags = kMatchTags,
     .comparator = "i;octet",
     .test = string},
};

}  // namespace

std::span<const Kind> test_kinds() { return kTestKinds; }

std::optional<std::string> address_part(const Call& call, const Mailbox& mailbox,
                                        std::string_view separators) {
  bool localpart = call.has(Tag::kLocalpart);
  bool user = call.has(Tag::kUser);
  bool detail = call.has(Tag::kDetail);
  bool domain = call.has(Tag::kDomain);
  if (!localpart && !user && !detail && !domain)
    return mailbox.domain.empty() && mailbox.valid ? mailbox.local : mailbox.address();
  if (!mailbox.valid) return std::nullopt;  // RFC 5228 2.7.4
  if (domain) return mailbox.domain;
  if (localpart) return mailbox.local;
  auto parts = split_local_part(mailbox.local, separators);
  return user ? parts.user : parts.detail;
}

}  // namespace handoff::sieve
