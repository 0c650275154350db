// The verbs of lmtp::Session, each with the RFC clause beside its check.
#include <algorithm>

#include "base/text.hh"
#include "lmtp/command.hh"
#include "lmtp/parameters.hh"
#include "lmtp/path.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {
namespace {

constexpr std::size_t kMaxRecipientLocal = 64;  // octets, RFC 5321 4.5.3.1.1

// "FROM:<path>…" -> "<path>…"; one blank behind the colon is tolerated, as senders do write it.
std::optional<std::string_view> behind(std::string_view argument, std::string_view keyword) {
  if (!istarts_with(argument, keyword)) return std::nullopt;
  argument.remove_prefix(keyword.size());
  if (argument.starts_with(' ')) argument.remove_prefix(1);
  return argument;
}

}  // namespace

std::span<const Command> CommandTable::all() {
  using enum Argument;
  static constexpr Command kTable[] = {
      {"LHLO", 0, kRequired, Needs::kNothing, "LHLO domain", &Session::lhlo},
      {"HELO", 0, kOptional, Needs::kNothing, "", &Session::not_smtp},
      {"EHLO", 0, kOptional, Needs::kNothing, "", &Session::not_smtp},
      {"MAIL", kMailExtra, kRequired, Needs::kHello, "MAIL FROM:<address> [parameters]",
       &Session::mail},
      {"RCPT", 0, kRequired, Needs::kTransaction, "RCPT TO:<address> [parameters]", &Session::rcpt},
      {"DATA", 0, kNone, Needs::kTransaction, "DATA", &Session::data},
      // BDAT looks to its order itself: refused octets must be swallowed (RFC 3030 2).
      {"BDAT", 0, kRequired, Needs::kNothing, "BDAT octets [LAST]", &Session::bdat},
      {"RSET", 0, kNone, Needs::kNothing, "RSET", &Session::rset},
      {"NOOP", 0, kOptional, Needs::kNothing, "NOOP [text]", &Session::noop},
      {"HELP", 0, kOptional, Needs::kNothing, "HELP [topic]", &Session::help},
      {"VRFY", 0, kRequired, Needs::kNothing, "VRFY address", &Session::vrfy},
      {"EXPN", 0, kOptional, Needs::kNothing, "EXPN list", &Session::expn},
      {"QUIT", 0, kNone, Needs::kNothing, "QUIT", &Session::quit},
  };
  return kTable;
}

std::optional<Event> Session::run(std::string_view line) {
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    return complain(say::kBadLine);
  }
  auto length = line.size() + 2;
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  auto verb = line.substr(0, line.find(' '));
  auto argument = line.size() > verb.size() ? trim(line.substr(verb.size())) : std::string_view();

  auto all = CommandTable::all();
  auto command =
      std::ranges::find_if(all, [&](const Command& row) { return iequals(row.verb, verb); });
  if (command == all.end()) {
    return complain(length > kCommandLine ? say::kLineTooLong : say::kUnknownVerb);
  }
  if (length > kCommandLine + command->extra) return complain(say::kLineTooLong);
  if (command->argument == Argument::kNone && !argument.empty()) {
    return complain({say::kNoArgument, {command->verb}});
  }
  if (command->argument == Argument::kRequired && argument.empty()) {
    return complain({say::kNeedsArgument, {command->syntax}});
  }
  if (command->needs == Needs::kHello && hello_.empty()) return complain(say::kLhloFirst);
  if (command->needs == Needs::kTransaction && !transaction_) return complain(say::kMailFirst);
  return (this->*command->run)(argument);
}

// RFC 2033 4.1: as EHLO. RFC 5321 4.1.4: it also resets.
std::optional<Event> Session::lhlo(std::string_view argument) {
  // The name is for trace and log only; what could break a Received: line is refused.
  bool printable = std::ranges::all_of(argument, [](char c) {
    return is_ascii(c) && !is_control(c) &&
           std::string_view(" ()<>;\"\\").find(c) == std::string_view::npos;
  });
  if (!printable) return complain({say::kNeedsArgument, {"LHLO domain"}});
  hello_ = argument;
  std::string text = options_.hostname;
  text += "\nPIPELINING\nENHANCEDSTATUSCODES\n8BITMIME\nSIZE ";
  text += std::to_string(options_.max_message_size);
  auto event = drop_content();
  end_transaction();
  Reply reply(say::kHello);
  reply.text = std::move(text);
  say(reply);
  return event;
}

// RFC 2033 4.1: HELO and EHLO must not get a positive reply; 500 is recommended.
std::optional<Event> Session::not_smtp(std::string_view) { return complain(say::kNotSmtp); }

std::optional<Reply> Session::read_mail_parameters(std::string_view text,
                                                   Envelope& envelope) const {
  auto parameters = parse_parameters(text);
  if (!parameters.malformed.empty()) return Reply(say::kBadParameter, {parameters.malformed});
  for (const Parameter& parameter : parameters.list) {
    Reply bad(say::kBadParameter, {parameter.keyword});
    if (iequals(parameter.keyword, "SIZE")) {
      // RFC 1870 4: 1 to 20 digits.
      if (!parameter.value || parameter.value->size() > 20) return bad;
      envelope.declared_size = parse_number(*parameter.value);
      if (!envelope.declared_size) return bad;
    } else if (iequals(parameter.keyword, "BODY")) {
      if (!parameter.value) return bad;
      if (iequals(*parameter.value, "7BIT")) {
        envelope.body = Body::k7Bit;
      } else if (iequals(*parameter.value, "8BITMIME")) {
        envelope.body = Body::k8BitMime;
      } else {
        return bad;
      }
    } else {
      return Reply(say::kUnknownParameter, {parameter.keyword});
    }
  }
  return std::nullopt;
}

std::optional<Event> Session::mail(std::string_view argument) {
  if (transaction_) return complain(say::kNestedMail);
  auto text = behind(argument, "FROM:");
  if (!text) return complain(say::kBadSender);
  auto path = parse_path(*text, {.null_allowed = true, .bare_local = options_.bare_local});
  if (path.fault == PathFault::kNeedsUtf8) return complain(say::kNeedsUtf8);
  if (path.fault != PathFault::kNone) return complain(say::kBadSender);
  Envelope envelope;
  envelope.sender = std::move(path.address);
  if (auto fault = read_mail_parameters(path.rest, envelope)) return complain(*fault);
  if (envelope.declared_size.value_or(0) > options_.max_message_size) {
    say({say::kTooLarge,
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
  if (path.fault == PathFault::kNeedsUtf8) return complain(say::kNeedsUtf8);
  if (path.fault != PathFault::kNone) return complain(say::kBadRecipient);
  auto parameters = parse_parameters(path.rest);
  if (!parameters.malformed.empty()) {
    return complain({say::kBadParameter, {parameters.malformed}});
  }
  if (!parameters.list.empty()) {
    return complain({say::kUnknownParameter, {parameters.list.front().keyword}});
  }
  // RFC 5321 4.5.3.1.10: the surplus is temporarily refused, the rest goes on.
  if (transaction_->envelope().recipients.size() >= options_.max_recipients) {
    say({say::kTooManyRecipients, {std::to_string(options_.max_recipients)}});
    return std::nullopt;
  }
  candidate_ = {std::move(path.address), {}};
  asked_ = Asked::kRecipient;
  return RecipientNamed{candidate_.address, false};
}

std::optional<Event> Session::data(std::string_view) {
  if (chunked_) return complain(say::kNotAfterBdat);
  // RFC 2033 4.2: with no successful RCPT, DATA must fail with 503.
  if (transaction_->envelope().recipients.empty()) return complain(say::kNoRecipients);
  asked_ = Asked::kContent;
  return ContentBegins{transaction_->envelope()};
}

// RFC 3030 2. Not announced yet; a client that sends it all the same must not have its content run
// as commands.
std::optional<Event> Session::bdat(std::string_view argument) {
  auto size = argument.substr(0, argument.find(' '));
  auto octets = parse_number(size);
  if (!octets) return complain(say::kBadChunk);
  chunk_.begin(*octets);
  after_chunk_ = Reply(say::kUnknownVerb);
  phase_ = Phase::kSwallow;
  return std::nullopt;
}

std::optional<Event> Session::rset(std::string_view) {
  auto event = drop_content();
  end_transaction();
  say(say::kOk);
  return event;
}

std::optional<Event> Session::noop(std::string_view) {
  say(say::kOk);
  return std::nullopt;
}

std::optional<Event> Session::help(std::string_view) {
  say(say::kHelp);
  return std::nullopt;
}

std::optional<Event> Session::vrfy(std::string_view argument) {
  PathRules rules{.bare_local = options_.bare_local, .max_local = kMaxRecipientLocal};
  auto path =
      argument.starts_with('<') ? parse_path(argument, rules) : parse_mailbox(argument, rules);
  if (path.fault == PathFault::kNeedsUtf8) return complain(say::kNeedsUtf8);
  if (path.fault != PathFault::kNone || !path.rest.empty()) return complain(say::kBadRecipient);
  candidate_ = {std::move(path.address), {}};
  asked_ = Asked::kVerify;
  return RecipientNamed{candidate_.address, true};
}

std::optional<Event> Session::expn(std::string_view) { return complain(say::kNoExpn); }

std::optional<Event> Session::quit(std::string_view) {
  return close({say::kBye, {options_.hostname}});
}

}  // namespace handoff::lmtp
