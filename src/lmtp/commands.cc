// The table of commands and the verbs that stand by themselves, each with the RFC clause beside its
// check.
#include <algorithm>

#include "base/text.hh"
#include "lmtp/command.hh"
#include "lmtp/path.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {

std::span<const Command> CommandTable::all() {
  using enum Argument;
  static constexpr Command kTable[] = {
      {"LHLO", kRequired, Needs::kNothing, "LHLO domain", &Session::lhlo},
      {"HELO", kOptional, Needs::kNothing, "", &Session::not_smtp},
      {"EHLO", kOptional, Needs::kNothing, "", &Session::not_smtp},
      {"MAIL", kRequired, Needs::kHello, "MAIL FROM:<address> [parameters]", &Session::mail},
      {"RCPT", kRequired, Needs::kTransaction, "RCPT TO:<address> [parameters]", &Session::rcpt},
      {"DATA", kNone, Needs::kTransaction, "DATA", &Session::data},
      // BDAT looks to its order itself: refused octets must be swallowed (RFC 3030 2).
      {"BDAT", kOptional, Needs::kNothing, "BDAT octets [LAST]", &Session::bdat},
      {"RSET", kNone, Needs::kNothing, "RSET", &Session::rset},
      {"NOOP", kOptional, Needs::kNothing, "NOOP [text]", &Session::noop},
      {"HELP", kOptional, Needs::kNothing, "HELP [topic]", &Session::help},
      {"VRFY", kRequired, Needs::kNothing, "VRFY address", &Session::vrfy},
      {"EXPN", kOptional, Needs::kNothing, "EXPN list", &Session::expn},
      {"STARTTLS", kNone, Needs::kNothing, "STARTTLS", &Session::starttls},
      {"AUTH", kRequired, Needs::kHello, "AUTH mechanism [response]", &Session::auth},
      {"XFORWARD", kRequired, Needs::kHello, "XFORWARD attribute=value...", &Session::xforward},
      {"XCLIENT", kRequired, Needs::kNothing, "XCLIENT attribute=value...", &Session::xclient},
      {"QUIT", kNone, Needs::kNothing, "QUIT", &Session::quit},
  };
  return kTable;
}

// The longest line of a command, as announced (S4).
std::size_t Session::line_limit(const Command& command) const {
  bool dsn = options_.dsn;
  bool auth = !peer_.mechanisms.empty();
  if (command.verb == "MAIL") {
    return kCommandLine + kSizeExtra + kBodyExtra + (options_.utf8 ? kUtf8Extra : 0) +
           (dsn ? kRetExtra + kEnvidExtra : 0) + (auth ? kAuthExtra : 0);
  }
  if (command.verb == "RCPT") {
    return kCommandLine + (dsn ? kNotifyExtra : 0) + (dsn || peer_.trusted ? kOrcptExtra : 0) +
           (options_.rrvs ? kRrvsExtra : 0);
  }
  if (command.verb == "AUTH" && auth) return kAuthLine;
  if (command.verb.starts_with('X') && peer_.trusted) return kPeerLine;
  return kCommandLine;
}

std::optional<Event> Session::run(std::string_view line) {
  auto length = line.size() + 2;
  bool clean = line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos;
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  auto verb = line.substr(0, line.find(' '));
  auto argument = line.size() > verb.size() ? trim(line.substr(verb.size())) : std::string_view();

  auto all = CommandTable::all();
  auto command =
      std::ranges::find_if(all, [&](const Command& row) { return iequals(row.verb, verb); });
  auto limit = command == all.end() ? kCommandLine : line_limit(*command);
  if (length > limit) return refuse_line(line, say::kLineTooLong);
  if (!clean) return refuse_line(line, say::kBadLine);
  if (command == all.end()) return complain(say::kUnknownVerb);
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
    constexpr std::string_view kSpecials = " ()<>;\"\\";
    return is_ascii(c) && !is_control(c) && kSpecials.find(c) == kSpecials.npos;
  });
  if (!printable) return complain({say::kNeedsArgument, {"LHLO domain"}});
  hello_ = argument;
  auto event = drop_content();
  end_transaction();
  Reply reply(say::kHello);
  reply.text = capabilities();
  say(reply);
  return event;
}

// One keyword a line (RFC 5321 4.1.1.1).
std::string Session::capabilities() const {
  std::string text = options_.hostname;
  auto add = [&](std::string_view keyword, std::string_view rest = {}) {
    text += '\n';
    text += keyword;
    if (!rest.empty()) text += ' ';
    text += rest;
  };
  add("PIPELINING");
  add("ENHANCEDSTATUSCODES");
  add("8BITMIME");
  add("SIZE", std::to_string(options_.max_message_size));
  add("CHUNKING");
  add("BINARYMIME");
  if (options_.utf8) add("SMTPUTF8");
  if (options_.dsn) add("DSN");
  std::string limits = "RCPTMAX=" + std::to_string(options_.max_recipients);
  if (options_.max_transactions > 0) {
    limits += " MAILMAX=" + std::to_string(options_.max_transactions);
  }
  add("LIMITS", limits);
  if (options_.rrvs) add("RRVS");
  if (peer_.can_tls && !peer_.tls) add("STARTTLS");
  if (!peer_.mechanisms.empty()) add("AUTH", peer_.mechanisms);
  if (peer_.trusted) {
    add("XFORWARD", "NAME ADDR PORT PROTO HELO IDENT SOURCE");
    add("XCLIENT", "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
  }
  return text;
}

// RFC 2033 4.1: HELO and EHLO must not get a positive reply; 500 is recommended.
std::optional<Event> Session::not_smtp(std::string_view) { return complain(say::kNotSmtp); }

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

std::optional<Event> Session::help(std::string_view topic) {
  auto all = CommandTable::all();
  auto row = std::ranges::find_if(all, [&](const Command& c) { return iequals(c.verb, topic); });
  // Who is not trusted is not told of what is for those who are.
  bool told =
      row != all.end() && !row->syntax.empty() && (peer_.trusted || !row->verb.starts_with('X'));
  if (told) {
    say({say::kHelpOn, {row->syntax}});
  } else {
    say(say::kHelp);
  }
  return std::nullopt;
}

std::optional<Event> Session::vrfy(std::string_view argument) {
  if (auto missing = missing_protection()) return complain(*missing);
  // RFC 6531 3.7.4.2: the parameter SMTPUTF8 may follow.
  constexpr std::string_view kUtf8 = " SMTPUTF8";
  bool utf8 = options_.utf8 && argument.size() > kUtf8.size() &&
              iequals(argument.substr(argument.size() - kUtf8.size()), kUtf8);
  if (utf8) argument.remove_suffix(kUtf8.size());
  PathRules rules{.bare_local = options_.bare_local, .max_local = kMaxRecipientLocal};
  auto path =
      argument.starts_with('<') ? parse_path(argument, rules) : parse_mailbox(argument, rules);
  if (path.fault != PathFault::kNone || !path.rest.empty()) return complain(say::kBadRecipient);
  if (path.non_ascii && !utf8) return complain(say::kNeedsUtf8);
  candidate_ = {};
  candidate_.address = std::move(path.address);
  asked_ = Asked::kVerify;
  return RecipientNamed{candidate_.address, true};
}

std::optional<Event> Session::expn(std::string_view) { return complain(say::kNoExpn); }

std::optional<Event> Session::quit(std::string_view) {
  return close({say::kBye, {options_.hostname}});
}

}  // namespace handoff::lmtp
