// MAIL and RCPT with their parameters. For each there is a table with the keyword of a parameter,
// when it is announced, and how its value is parsed.
#include <algorithm>
#include <cstdint>
#include <span>

#include "base/date_time.hh"
#include "base/text.hh"
#include "base/xtext.hh"
#include "lmtp/command.hh"
#include "lmtp/parameters.hh"
#include "lmtp/path.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {
namespace {

using Value = std::optional<std::string_view>;

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_ascii(c) && !is_control(c); });
}

// RFC 1870 4: 1 to 20 digits. A number beyond 64 bits is too large, but not malformed.
bool take_size(Value value, Envelope& envelope) {
  if (!value || value->size() > 20 || !std::ranges::all_of(*value, is_digit)) return false;
  envelope.declared_size = parse_number(*value).value_or(UINT64_MAX);
  return true;
}

// RFC 6152 2, RFC 3030 3.
bool take_body(Value value, Envelope& envelope) {
  struct Row {
    std::string_view word;
    Body body;
  };
  static constexpr Row kBodies[] = {
      {"7BIT", Body::k7Bit}, {"8BITMIME", Body::k8BitMime}, {"BINARYMIME", Body::kBinaryMime}};
  for (const Row& row : kBodies) {
    if (value && iequals(*value, row.word)) {
      envelope.body = row.body;
      return true;
    }
  }
  return false;
}

// RFC 6531 3.4: no value.
bool take_utf8(Value value, Envelope& envelope) {
  envelope.utf8 = true;
  return !value;
}

// RFC 3461 4.3. Ignored, because it concerns reports of failures, which the queue manager sends.
bool take_ret(Value value, Envelope&) {
  return value && (iequals(*value, "FULL") || iequals(*value, "HDRS"));
}

// RFC 3461 4.4: at most 100 characters, printable when decoded.
bool take_envid(Value value, Envelope& envelope) {
  if (!value || value->size() > 100) return false;
  auto decoded = decode_xtext(*value);
  if (!decoded || !is_printable(*decoded)) return false;
  envelope.envelope_id = std::move(*decoded);
  return true;
}

// RFC 4954 5: who submitted the message; "<>" if unknown. Ignored.
bool take_auth(Value value, Envelope&) {
  return value && (*value == "<>" || decode_xtext(*value).has_value());
}

// How many proxies have passed the message on, as one handoff tells another (X13).
bool take_hops(Value value, Envelope& envelope) {
  constexpr std::uint64_t kMost = 99;
  auto number = value ? parse_number(*value) : std::nullopt;
  if (!number || *number > kMost) return false;
  envelope.hops = static_cast<unsigned>(*number);
  return true;
}

// RFC 3461 4.1: NEVER alone, or a list. FAILURE and DELAY are for the queue manager to report.
bool take_notify(Value value, Recipient& recipient) {
  if (!value) return false;
  if (iequals(*value, "NEVER")) return true;
  return std::ranges::all_of(split(*value, ','), [&](std::string_view word) {
    bool success = iequals(word, "SUCCESS");
    recipient.notify_success = recipient.notify_success || success;
    return success || iequals(word, "FAILURE") || iequals(word, "DELAY");
  });
}

// RFC 3461 4.2, RFC 6533 3: addr-type ";" xtext, at most 500 characters.
bool take_orcpt(Value value, Recipient& recipient) {
  if (!value || value->size() > 500) return false;
  auto semicolon = value->find(';');
  if (semicolon == 0 || semicolon == value->npos) return false;
  auto type = value->substr(0, semicolon);
  auto encoded = value->substr(semicolon + 1);
  bool utf8 = iequals(type, "utf-8");
  auto decoded = utf8 ? decode_utf8_xtext(encoded) : decode_xtext(encoded);
  bool atom = std::ranges::all_of(type, [](char c) { return is_ascii(c) && is_atext(c); });
  if (!atom || !decoded || decoded->empty()) return false;
  // The address becomes a header field, so it must not contain control characters.
  if (std::ranges::any_of(*decoded, is_control) || (!utf8 && !all_ascii(*decoded))) return false;
  recipient.original = {std::move(*decoded), std::string(*value)};
  return true;
}

// RFC 7293 3: date-time [";" ("C" / "R")]. The letter is for relays, so it is ignored.
bool take_rrvs(Value value, Recipient& recipient) {
  if (!value) return false;
  auto action = value->find(';');
  if (action != value->npos) {
    auto word = value->substr(action + 1);
    if (!iequals(word, "C") && !iequals(word, "R")) return false;
  }
  recipient.valid_since = parse_date_time(value->substr(0, action));
  return recipient.valid_since.has_value();
}

// "FROM:<path>…" -> "<path>…". Accepts one space after the colon, because clients write it, and any
// spaces and tabs if `lenient`. Returns nothing if the keyword is missing.
std::string_view after(std::string_view keyword, std::string_view argument, bool lenient) {
  if (!istarts_with(argument, keyword)) return {};
  argument.remove_prefix(keyword.size());
  if (lenient) return trim(argument);
  if (argument.starts_with(' ')) argument.remove_prefix(1);
  return argument;
}

}  // namespace

struct ParameterTable {
  template <class Target>
  struct Row {
    std::string_view keyword;
    bool (*taken)(const Session&);  // announced, or accepted from this peer without announcement
    bool (*take)(Value, Target&);
  };

  static bool always(const Session&) { return true; }
  static bool utf8(const Session& s) { return s.options_.utf8; }
  static bool dsn(const Session& s) { return s.options_.dsn; }
  static bool auth(const Session& s) { return !s.peer_.mechanisms.empty(); }
  static bool orcpt(const Session& s) { return s.options_.dsn || s.peer_.trusted; }
  static bool rrvs(const Session& s) { return s.options_.rrvs; }
  static bool hops(const Session& s) { return s.options_.proxy; }

  static constexpr Row<Envelope> kMail[] = {
      {"SIZE", always, take_size}, {"BODY", always, take_body}, {"SMTPUTF8", utf8, take_utf8},
      {"RET", dsn, take_ret},      {"ENVID", dsn, take_envid},  {"AUTH", auth, take_auth},
      {"XHOPS", hops, take_hops},
  };
  static constexpr Row<Recipient> kRcpt[] = {
      {"NOTIFY", dsn, take_notify},
      {"ORCPT", orcpt, take_orcpt},
      {"RRVS", rrvs, take_rrvs},
  };

  // Parses `text` into `target`. Returns the refusal, if any.
  template <class Target>
  static std::optional<Reply> read(const Session& session, std::span<const Row<Target>> rows,
                                   std::string_view text, bool utf8_allowed, Target& target) {
    auto parameters = parse_parameters(text);
    if (!parameters.malformed.empty()) return Reply(say::kBadParameter, {parameters.malformed});
    for (const Parameter& parameter : parameters.list) {
      auto row = std::ranges::find_if(
          rows, [&](const auto& r) { return iequals(r.keyword, parameter.keyword); });
      if (row == rows.end() || !row->taken(session)) {
        return Reply(say::kUnknownParameter, {parameter.keyword});
      }
      bool ascii = !parameter.value || all_ascii(*parameter.value);
      if ((!ascii && !utf8_allowed) || !row->take(parameter.value, target)) {
        return Reply(say::kBadParameter, {parameter.keyword});
      }
    }
    return std::nullopt;
  }
};

std::optional<Event> Session::mail(std::string_view argument) {
  if (transaction_) return complain(say::kNestedMail);
  if (auto missing = missing_protection()) return complain(*missing);
  if (options_.max_transactions > 0 && transactions_ >= options_.max_transactions) {
    Reply reply{say::kTooManyTransactions, {options_.hostname, std::to_string(transactions_)}};
    note_refusal(reply);
    return close(reply);
  }
  auto text = after("FROM:", argument, options_.lenient_addresses);
  auto path = parse_sender(text, options_.lenient_addresses);
  if (!path) return complain({say::kBadSender, {text.empty() ? argument : text}});
  Envelope envelope;
  envelope.sender = std::move(path->sender);
  auto fault = ParameterTable::read<Envelope>(*this, ParameterTable::kMail, path->rest,
                                              options_.utf8, envelope);
  if (fault) return complain(*fault);
  if (envelope.declared_size.value_or(0) > options_.max_message_size) {  // RFC 1870 6.1
    decline({say::kTooLarge,
             {std::to_string(*envelope.declared_size), std::to_string(options_.max_message_size)}});
    return std::nullopt;
  }
  transaction_.emplace(std::move(envelope), options_.separate_recipients);
  asked_ = LookupResult::kMail;
  return MailBegins{transaction_->envelope()};
}

std::optional<Event> Session::rcpt(std::string_view argument) {
  if (transaction_->content) return complain(say::kContentBegun);
  auto text = after("TO:", argument, options_.lenient_addresses);
  // The queue manager has accepted the address; the lookup decides whether it exists.
  auto path = parse_path(text, {.bare_local = options_.bare_local,
                                .brackets_optional = options_.lenient_addresses,
                                .any_labels = true});
  if (path.fault != PathFault::kNone) {
    return complain({say::kBadRecipient, {text.empty() ? argument : text}});
  }
  bool utf8 = transaction_->envelope().utf8;
  Recipient candidate;
  candidate.address = std::move(path.address);
  auto fault =
      ParameterTable::read<Recipient>(*this, ParameterTable::kRcpt, path.rest, utf8, candidate);
  if (fault) return complain(*fault);
  // RFC 5321 4.5.3.1.10: the surplus recipient gets a temporary failure, and the transaction
  // continues.
  if (transaction_->envelope().recipients.size() >= options_.max_recipients) {
    decline({say::kTooManyRecipients,
             {std::to_string(options_.max_recipients), candidate.address.text()}});
    return std::nullopt;
  }
  candidate_ = std::move(candidate);
  asked_ = LookupResult::kRecipient;
  return RecipientNamed{candidate_.address, false, candidate_};
}

}  // namespace handoff::lmtp
