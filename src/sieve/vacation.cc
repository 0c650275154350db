// vacation (RFC 5230, RFC 6131): sends a reply, at most one to each sender within some days.
#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/address_list.hh"
#include "sieve/checker.hh"
#include "sieve/copies.hh"
#include "sieve/decode.hh"
#include "sieve/kinds.hh"
#include "sieve/outgoing.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::size_t kLongestReplySubject = 256;  // characters, as in Pigeonhole
constexpr std::size_t kLongestReferences = 4096;
constexpr std::uint64_t kDay = 86'400;

constexpr std::array kVacationOwnTags{
    TagUse{Tag::kDays},      TagUse{Tag::kSeconds, "vacation-seconds"},
    TagUse{Tag::kSubject},   TagUse{Tag::kFrom},
    TagUse{Tag::kAddresses}, TagUse{Tag::kMime},
    TagUse{Tag::kHandle},
};
constexpr auto kVacationTags = join(kVacationOwnTags, kFccTags);

bool same_address(std::string_view a, std::string_view b) { return iequals(a, b); }

std::string address_of(std::string_view path) {
  auto parsed = parse_path(path);
  return parsed && !parsed->local.empty() ? parsed->address() : std::string();
}

// All addresses of this user: from the envelope, the site and the script.
std::vector<std::string> own_addresses(Run& run, const Call& call) {
  const auto& facts = run.facts();
  std::vector<std::string> out{address_of(facts.to)};
  out.insert(out.end(), facts.addresses.begin(), facts.addresses.end());
  if (const auto* given = call.argument(Tag::kAddresses)) {
    for (const auto& text : run.list(*given)) {
      if (auto one = parse_one_address(text)) out.push_back(one->address());
    }
  }
  std::erase(out, "");
  return out;
}

// Returns the address of this user to which the message was sent (RFC 5230 4.5); empty if it was
// sent to none of them.
std::string addressed_as(const Header& header, const std::vector<std::string>& own) {
  for (const auto* name : {"To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"}) {
    for (const auto* field : header.find(name)) {
      for (const auto& mailbox : parse_address_list(field->unfolded())) {
        for (const auto& address : own) {
          if (same_address(mailbox.address(), address)) return address;
        }
      }
    }
  }
  return {};
}

// RFC 3834 2, RFC 5230 4.6: returns why the message gets no reply; empty if it may be answered.
std::string reason_for_silence(const Header& header, const std::string& sender,
                               const std::vector<std::string>& own) {
  if (sender.empty()) return "the message has the null sender";
  for (const auto& address : own) {
    if (same_address(sender, address)) return "the sender is the recipient";
  }
  auto local = lower(sender.substr(0, sender.rfind('@')));
  for (const auto* name : {"mailer-daemon", "listserv", "majordomo", "postmaster", "noreply",
                           "no-reply", "bounce", "bounces"}) {
    if (local == name) return "the sender is a program";
  }
  if (local.starts_with("owner-") || local.ends_with("-request") || local.ends_with("-bounces") ||
      local.ends_with("-owner"))
    return "the sender is a mailing list";
  for (const auto& field : header.fields) {
    if (istarts_with(field.name, "List-")) return "the message is from a mailing list";
  }
  for (const auto* field : header.find("Auto-Submitted")) {
    auto value = field->unfolded();
    if (!iequals(trim(value.substr(0, value.find(';'))), "no"))
      return "the message was sent automatically";
  }
  for (const auto* field : header.find("Precedence")) {
    auto value = lower(field->unfolded());
    if (value == "bulk" || value == "junk" || value == "list") return "the message is bulk mail";
  }
  for (const auto* field : header.find("X-Auto-Response-Suppress")) {
    auto value = field->unfolded();
    for (auto word : split(value, ',')) {
      if (iequals(trim(word), "All") || iequals(trim(word), "OOF"))
        return "the sender wants no automatic replies";
    }
  }
  return {};
}

// "Name <address>" from the field that contains the sender's address, otherwise "<address>".
std::string reply_to(const Header& header, const std::string& sender) {
  for (const auto* name : {"Sender", "Resent-From", "From", "Reply-To"}) {
    for (const auto* field : header.find(name)) {
      auto text = field->unfolded();
      auto mailboxes = parse_address_list(text);
      for (const auto& mailbox : mailboxes) {
        if (!mailbox.valid || !same_address(mailbox.address(), sender)) continue;
        return mailboxes.size() == 1 && all_ascii(text) ? text : in_header(mailbox);
      }
    }
  }
  return "<" + sender + ">";
}

std::string references_of(const Header& header, const std::string& id) {
  auto references = header.first("References");
  if (references.empty()) references = header.first("In-Reply-To");
  if (references.size() > kLongestReferences) references.clear();
  if (!id.empty()) references += (references.empty() ? "" : " ") + id;
  return references;
}

std::string subject_of(Run& run, const Call& call) {
  if (auto given = run.string(call, Tag::kSubject)) return shortened(*given, kLongestReplySubject);
  auto subject = run.message().header().first("Subject");
  return subject.empty() ? "Automated reply" : shortened("Auto: " + subject, kLongestReplySubject);
}

std::uint64_t period_of(Run& run, const Call& call) {
  const auto& limits = run.limits();
  auto period = limits.vacation_default;
  if (const auto* days = call.argument(Tag::kDays))
    period =
        days->number > limits.vacation_default * kDay ? ~std::uint64_t{0} : days->number * kDay;
  const auto* seconds = call.argument(Tag::kSeconds);
  if (seconds != nullptr) period = seconds->number;
  // RFC 6131 2: :seconds may be less than a day; with 0 each message is answered.
  if (seconds == nullptr) period = std::max(period, limits.vacation_least);
  return limits.vacation_most == 0 ? period : std::min(period, limits.vacation_most);
}

void check_vacation(Checker& checker, Call& call) {
  const auto* from = call.argument(Tag::kFrom);
  if (from != nullptr && from->texts.front().constant() &&
      !parse_one_address(from->texts.front().literal)) {
    checker.fault(from->line, "'" + escape(from->texts.front().literal) + "' is not one address");
  }
  check_fcc(checker, call);
}

std::string reply_text(Run& run, const Call& call, const std::string& from, const std::string& to,
                       const std::string& subject, const std::string& reason) {
  const auto& header = run.message().header();
  auto id = header.first("Message-ID");
  auto out = outgoing_header(run.facts(), run.new_message_id(),
                             {{"From", from},
                              {"To", to},
                              {"Subject", subject},
                              {"In-Reply-To", id},
                              {"References", references_of(header, id)},
                              {"Auto-Submitted", "auto-replied (vacation)"},
                              {"Precedence", "bulk"},
                              {"X-Auto-Response-Suppress", "All"},
                              {"MIME-Version", "1.0"}});
  // RFC 5230 4.4: with :mime the reason is a whole entity, header and body.
  if (call.has(Tag::kMime)) return out + with_crlf(reason);
  return out + text_entity(reason);
}

// RFC 5230 4.2: without :handle, another reason, subject or sender in the script makes it a
// different reply. Values of variables do not, so that each sender gets one reply, whatever the
// subject of the message is.
std::string identity_of(Run& run, const Call& call) {
  if (auto handle = run.string(call, Tag::kHandle)) return "handle:" + *handle;
  auto written = [&](Tag tag) {
    const auto* argument = call.argument(tag);
    return argument == nullptr ? std::string() : argument->texts.front().literal;
  };
  return "text:" + written(Tag::kFrom) + '\0' + written(Tag::kSubject) + '\0' +
         (call.has(Tag::kMime) ? "mime" : "") + '\0' + call.arguments[0].texts.front().literal;
}

Flow vacation(Run& run, const Call& call) {
  for (const auto& action : run.plan().actions) {
    const auto* earlier = std::get_if<Outgoing>(&action);
    if (earlier != nullptr && earlier->kind == Outgoing::Kind::kVacation)
      return run.fail(call.line, "vacation is used twice (RFC 5230 4.7)");
  }
  const auto& header = run.message().header();
  auto sender = address_of(run.facts().from);
  auto own = own_addresses(run, call);
  auto addressed = addressed_as(header, own);
  auto reason = run.string(call.arguments[0]);
  auto subject = subject_of(run, call);
  auto from = run.string(call, Tag::kFrom).value_or("");
  auto author = parse_one_address(from);
  if (!from.empty() && !author)
    return run.fail(call.line, "vacation: '" + escape(from) + "' is not one address");

  Outgoing reply;
  reply.place = run.place(call);
  reply.kind = Outgoing::Kind::kVacation;
  if (!sender.empty()) reply.to.push_back(sender);
  reply.withheld = reason_for_silence(header, sender, own);
  if (reply.withheld.empty() && addressed.empty())
    reply.withheld = "the message is not addressed to the recipient";
  // The fields of a reply are ASCII.
  if (reply.withheld.empty() && !all_ascii(sender + (author ? "" : addressed)))
    reply.withheld = "an address of the reply is not ASCII";
  reply.mark = Mark{Mark::Kind::kVacation, identity_of(run, call) + '\0' + lower(sender),
                    period_of(run, call)};
  if (reply.withheld.empty() && reply.mark->seconds > 0) {
    if (!run.may_ask()) return Flow::kFailed;
    auto seen = run.site().seen(*reply.mark);
    if (!seen) return run.fail(seen.error());
    if (seen.value()) reply.withheld = "the sender has got this reply already";
  }
  if (reply.withheld.empty()) {
    reply.text = reply_text(run, call, author ? in_header(*author) : "<" + addressed + ">",
                            reply_to(header, sender), subject, reason);
    if (reply.text.size() > run.limits().outgoing_size)
      return run.fail(call.line, "the reply is too large");
    reply.copy = make_fcc(run, call);
  }
  if (run.failed()) return Flow::kFailed;
  run.note(call, reply.withheld.empty() ? "reply to " + sender : "no reply: " + reply.withheld);
  return run.add(call, std::move(reply), true);
}

constexpr Kind kVacationKinds[] = {
    {.name = "vacation",
     .extension = "vacation|vacation-seconds",
     .arguments = "s",
     .tags = kVacationTags,
     .check = check_vacation,
     .command = vacation},
};

}  // namespace

std::span<const Kind> vacation_kinds() { return kVacationKinds; }

}  // namespace handoff::sieve
