// notify, valid_notify_method and notify_method_capability (RFC 5435), by mail (RFC 5436).
#include <algorithm>

#include "base/text.hh"
#include "sieve/address_list.hh"
#include "sieve/checker.hh"
#include "sieve/copies.hh"
#include "sieve/kinds.hh"
#include "sieve/mailto.hh"
#include "sieve/outgoing.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::size_t kLongestSubject = 256;

constexpr std::array kNotifyOwnTags{TagUse{Tag::kFrom}, TagUse{Tag::kImportance},
                                    TagUse{Tag::kOptions}, TagUse{Tag::kMessage}};
constexpr auto kNotifyTags = join(kNotifyOwnTags, kFccTags);

// RFC 5435 3.4: "name=value" without line ends.
bool is_option(std::string_view option) {
  auto equals = option.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  auto name = option.substr(0, equals);
  auto in_name = [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  };
  return (is_alpha(name.front()) || is_digit(name.front())) && std::ranges::all_of(name, in_name) &&
         option.find_first_of("\r\n") == std::string_view::npos;
}
bool is_importance(std::string_view text) { return text == "1" || text == "2" || text == "3"; }

// RFC 5435 3.2: a method that does not exist is an error when it is used, because a script can ask
// for it first (valid_notify_method).
void check_notify(Checker& checker, Call& call) {
  const auto& uri = call.arguments[0].texts.front();
  bool mail = uri.constant() && istarts_with(uri.literal, "mailto:");
  if (mail && !parse_mailto(uri.literal))
    checker.fault(call.line, "'" + escape(uri.literal) + "' is not a mailto URI");
  const auto* from = call.argument(Tag::kFrom);
  if (from != nullptr && from->texts.front().constant() &&
      !parse_one_address(from->texts.front().literal)) {
    checker.fault(from->line, "'" + escape(from->texts.front().literal) + "' is not one address");
  }
  const auto* importance = call.argument(Tag::kImportance);
  if (importance != nullptr && importance->texts.front().constant() &&
      !is_importance(importance->texts.front().literal)) {
    checker.fault(importance->line, "':importance' is \"1\", \"2\" or \"3\"");
  }
  if (const auto* options = call.argument(Tag::kOptions)) {
    for (const auto& text : options->texts) {
      if (text.constant() && !is_option(text.literal))
        checker.fault(options->line, "an option is written as \"name=value\"");
    }
  }
  check_fcc(checker, call);
}

std::string comma_list(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& one : list) out += (out.empty() ? "" : ", ") + one;
  return out;
}

// Moves to `to` the addresses to which no notification was sent yet, and removes the others.
void take_new(std::vector<std::string>& list, std::vector<std::string>& known,
              std::vector<std::string>& to, std::size_t most) {
  std::erase_if(list, [&](const std::string& text) {
    auto one = parse_one_address(text);
    auto address = one ? one->address() : std::string();
    auto same = [&](const std::string& k) { return iequals(k, address); };
    if (address.empty() || to.size() >= most || std::ranges::any_of(known, same)) return true;
    known.push_back(address);
    to.push_back(address);
    return false;
  });
}

// RFC 5436 2.7.1: no notification is sent for a message that is itself automatic.
bool is_automatic(const Header& header) {
  for (const auto* field : header.find("Auto-Submitted")) {
    auto value = field->unfolded();
    if (!iequals(trim(value.substr(0, value.find(';'))), "no")) return true;
  }
  return false;
}

struct Importance {
  std::string_view priority;
  std::string_view word;
};
Importance importance_of(std::string_view text) {
  if (text == "1") return {"1 (High)", "high"};
  if (text == "3") return {"5 (Low)", "low"};
  return {"3 (Normal)", "normal"};
}

// The domain of a path of the envelope; empty if it has none.
std::string domain_of_path(std::string_view path) {
  auto parsed = parse_path(path);
  return parsed ? parsed->domain : std::string();
}

// RFC 5435 3.3: an author from a domain in which the recipient has no address may be a forgery.
bool may_be_author(const Facts& facts, const Mailbox& author) {
  auto same = [&](const std::string& own) { return iequals(domain_of_path(own), author.domain); };
  return same(facts.to) || same(facts.original_to) || std::ranges::any_of(facts.addresses, same);
}

// RFC 5436 2.7.1, RFC 3834 5: names the owner of the script, who can stop the notifications.
std::string auto_submitted(const std::string& owner) {
  std::string quoted;
  for (char c : owner) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return "auto-notified; owner-email=\"" + quoted + "\"";
}

std::string notification_text(Run& run, const Call& call, const Mailto& mailto,
                              const std::string& from) {
  const auto& header = run.message().header();
  auto message = run.string(call, Tag::kMessage);
  auto subject = message                   ? *message
                 : !mailto.subject.empty() ? mailto.subject
                                           : header.first("Subject");
  auto importance = importance_of(run.string(call, Tag::kImportance).value_or("2"));
  std::vector<std::pair<std::string_view, std::string>> fields{
      {"X-Sieve", "handoff"},
      {"From", from},
      {"To", comma_list(mailto.to)},
      {"Cc", comma_list(mailto.cc)},
      {"Subject", shortened(subject, kLongestSubject)},
      {"Auto-Submitted", auto_submitted(run.facts().to)},
      {"Precedence", "bulk"},
      {"X-Priority", std::string(importance.priority)},
      {"Importance", std::string(importance.word)},
      {"References", header.first("Message-ID")}};
  for (const auto& [name, value] : mailto.fields) fields.emplace_back(name, value);
  fields.emplace_back("MIME-Version", "1.0");
  auto body = !mailto.body.empty() ? mailto.body
              : message            ? *message
                                   : "A message from " + header.first("From") +
                              " has arrived.\n\nSubject: " + header.first("Subject");
  return outgoing_header(run.facts(), run.new_message_id(), fields) + text_entity(body);
}

Flow notify(Run& run, const Call& call) {
  auto uri = run.string(call.arguments[0]);
  auto mailto = parse_mailto(uri);
  if (!mailto) return run.fail(call.line, "notify: '" + escape(uri) + "' is not a mailto URI");
  auto from = run.string(call, Tag::kFrom);
  auto author = from ? parse_one_address(*from) : std::nullopt;
  if (from && !author)
    return run.fail(call.line, "notify: '" + escape(*from) + "' is not one address");
  if (author && !may_be_author(run.facts(), *author)) {
    run.note(call, "':from' is not in a domain of the recipient and is ignored");
    author.reset();
  }

  Outgoing out;
  out.place = run.place(call);
  out.kind = Outgoing::Kind::kNotification;
  std::vector<std::string> known;
  std::size_t earlier = 0;
  for (const auto& action : run.plan().actions) {
    const auto* other = std::get_if<Outgoing>(&action);
    if (other == nullptr || other->kind != Outgoing::Kind::kNotification) continue;
    ++earlier;
    known.insert(known.end(), other->to.begin(), other->to.end());
  }
  if (earlier >= run.limits().notifications)
    return run.fail(call.line, "the number of notifications exceeds policy limit");
  for (auto* list : {&mailto->to, &mailto->cc, &mailto->bcc})
    take_new(*list, known, out.to, run.limits().recipients);

  const auto& facts = run.facts();
  auto path = parse_path(facts.from);
  auto postmaster = facts.postmaster.empty() ? "postmaster@" + facts.host : facts.postmaster;
  // RFC 5436 2.7: the sender is the author; but a notification of a message with the null sender
  // has the null sender too, because it may be about a bounce of the last one.
  if (path && !path->local.empty()) out.from = author ? author->address() : postmaster;
  if (is_automatic(run.message().header())) out.withheld = "the message was sent automatically";
  if (out.to.empty() && out.withheld.empty()) out.withheld = "there is no new recipient";
  if (out.withheld.empty()) {
    out.text =
        notification_text(run, call, *mailto, author ? in_header(*author) : "<" + postmaster + ">");
    if (out.text.size() > run.limits().outgoing_size)
      return run.fail(call.line, "the notification is too large");
    out.copy = make_fcc(run, call);
  }
  if (run.failed()) return Flow::kFailed;
  run.note(call, out.withheld.empty() ? "to " + comma_list(out.to) : "not sent: " + out.withheld);
  return run.add(call, std::move(out), true);
}

bool valid_notify_method(Run& run, const Call& call) {
  auto uris = run.list(call.arguments[0]);
  return std::ranges::all_of(uris,
                             [](const std::string& uri) { return parse_mailto(uri).has_value(); });
}

// RFC 5435 5: for mail, it is unknown whether the recipient is online. RFC 8580: a copy of the
// notification can be stored.
bool notify_method_capability(Run& run, const Call& call) {
  if (!parse_mailto(run.string(call.arguments[0]))) return false;
  auto capability = run.string(call.arguments[1]);
  if (iequals(capability, "online")) return run.match(call, {"maybe"}, call.arguments[2]);
  if (iequals(capability, "fcc")) return run.match(call, {"yes"}, call.arguments[2]);
  return false;
}

constexpr Kind kNotifyKinds[] = {
    {.name = "notify",
     .extension = "enotify",
     .arguments = "s",
     .tags = kNotifyTags,
     .check = check_notify,
     .command = notify},
    {.name = "valid_notify_method",
     .extension = "enotify",
     .arguments = "S",
     .test = valid_notify_method},
    {.name = "notify_method_capability",
     .extension = "enotify",
     .arguments = "ssS",
     .tags = kMatchTags,
     .test = notify_method_capability},
};

}  // namespace

std::span<const Kind> notify_kinds() { return kNotifyKinds; }

}  // namespace handoff::sieve
