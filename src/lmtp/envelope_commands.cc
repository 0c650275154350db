// MAIL and RCPT with their parameters. One table for each has what a parameter is called, when it
// is announced, and how its value is read.
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

// RFC 1870 4: 1 to 20 digits. Some of 20 are more than 64 bits hold: too large, not malformed.
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

// RFC 3461 4.3.
bool take_ret(Value value, Envelope& envelope) {
  if (!value) return false;
  envelope.return_full = iequals(*value, "FULL");
  return envelope.return_full || iequals(*value, "HDRS");
}

// RFC 3461 4.4: at most 100 characters, printable when decoded.
bool take_envid(Value value, Envelope& envelope) {
  if (!value || value->size() > 100) return false;
  auto decoded = decode_xtext(*value);
  if (!decoded || !is_printable(*decoded)) return false;
  envelope.envelope_id = std::move(*decoded);
  return true;
}

// RFC 4954 5: who submitted the message; "<>" where it is not known. Nothing here depends on it.
bool take_auth(Value value, Envelope&) {
  return value && (*value == "<>" || decode_xtext(*value).has_value());
}

// RFC 3461 4.1: NEVER alone, or a list.
bool take_notify(Value value, Recipient& recipient) {
  if (!value) return false;
  auto words = split(*value, ',');
  for (std::string_view word : words) {
    if (iequals(word, "NEVER")) {
      recipient.notify.never = true;
    } else if (iequals(word, "SUCCESS")) {
      recipient.notify.success = true;
    } else if (iequals(word, "FAILURE")) {
      recipient.notify.failure = true;
    } else if (iequals(word, "DELAY")) {
      recipient.notify.delay = true;
    } else {
      return false;
    }
  }
  return !recipient.notify.never || words.size() == 1;
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
  // It becomes a header line: no control may be in it.
  if (std::ranges::any_of(*decoded, is_control) || (!utf8 && !all_ascii(*decoded))) return false;
  recipient.original = {lower(type), std::move(*decoded), std::string(*value)};
  return true;
}

// RFC 7293 3: date-time [";" ("C" / "R")]; what a relay should do with it is not asked of us.
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

// "FROM:<path>…" -> "<path>…"; one blank behind the colon is tolerated, as senders do write it.
std::optional<std::string_view> behind(std::string_view argument, std::string_view keyword) {
  if (!istarts_with(argument, keyword)) return std::nullopt;
  argument.remove_prefix(keyword.size());
  if (argument.starts_with(' ')) argument.remove_prefix(1);
  return argument;
}

}  // namespace

struct ParameterTable {
  template <class Target>
  struct Row {
    std::string_view keyword;
    bool (*taken)(const Session&);  // announced, or taken from this peer all the same
    bool (*take)(Value, Target&);
  };

  static bool always(const Session&) { return true; }
  static bool utf8(const Session& s) { return s.options_.utf8; }
  static bool dsn(const Session& s) { return s.options_.dsn; }
  static bool auth(const Session& s) { return !s.peer_.mechanisms.empty(); }
  static bool orcpt(const Session& s) { return s.options_.dsn || s.peer_.trusted; }
  static bool rrvs(const Session& s) { return s.options_.rrvs; }

  static constexpr Row<Envelope> kMail[] = {
      {"SIZE", always, take_size}, {"BODY", always, take_body}, {"SMTPUTF8", utf8, take_utf8},
      {"RET", dsn, take_ret},      {"ENVID", dsn, take_envid},  {"AUTH", auth, take_auth},
  };
  static constexpr Row<Recipient> kRcpt[] = {
      {"NOTIFY", dsn, take_notify},
      {"ORCPT", orcpt, take_orcpt},
      {"RRVS", rrvs, take_rrvs},
  };

  // Reads `text` into `target`. Returns the refusal, or nothing.
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
    refusal_ = reply.one_line();
    return close(reply);
  }
  auto text = behind(argument, "FROM:");
  if (!text) return complain(say::kBadSender);
  auto path = parse_path(*text, {.null_allowed = true, .bare_local = options_.bare_local});
  if (path.fault != PathFault::kNone) return complain(say::kBadSender);
  Envelope envelope;
  envelope.sender = std::move(path.address);
  auto fault = ParameterTable::read<Envelope>(*this, ParameterTable::kMail, path.rest,
                                              options_.utf8, envelope);
  if (fault) return complain(*fault);
  if (path.non_ascii && !envelope.utf8) return complain(say::kNeedsUtf8);  // RFC 6531 3.5
  if (envelope.declared_size.value_or(0) > options_.max_message_size) {    // RFC 1870 6.1
    decline({say::kTooLarge,
             {std::to_string(*envelope.declared_size), std::to_string(options_.max_message_size)}});
    return std::nullopt;
  }
  transaction_.emplace(std::move(envelope));
  asked_ = Asked::kMail;
  return MailBegins{transaction_->envelope()};
}

std::optional<Event> Session::rcpt(std::string_view argument) {
  if (chunked_) return complain(say::kContentBegun);
  auto text = behind(argument, "TO:");
  if (!text) return complain(say::kBadRecipient);
  auto path =
      parse_path(*text, {.bare_local = options_.bare_local, .max_local = kMaxRecipientLocal});
  if (path.fault != PathFault::kNone) return complain(say::kBadRecipient);
  bool utf8 = transaction_->envelope().utf8;
  if (path.non_ascii && !utf8) return complain(say::kNeedsUtf8);
  Recipient candidate;
  candidate.address = std::move(path.address);
  auto fault =
      ParameterTable::read<Recipient>(*this, ParameterTable::kRcpt, path.rest, utf8, candidate);
  if (fault) return complain(*fault);
  // RFC 5321 4.5.3.1.10: the surplus is refused for the moment, the rest goes on.
  if (transaction_->envelope().recipients.size() >= options_.max_recipients) {
    decline({say::kTooManyRecipients, {std::to_string(options_.max_recipients)}});
    return std::nullopt;
  }
  candidate_ = std::move(candidate);
  asked_ = Asked::kRecipient;
  return RecipientNamed{candidate_.address, false};
}

}  // namespace handoff::lmtp
