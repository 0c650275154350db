// The table of commands, and the verbs without a file of their own. Each check names its RFC
// clause.
#include <algorithm>

#include "base/text.hh"
#include "lmtp/command.hh"
#include "lmtp/path.hh"
#include "lmtp/proxy_header.hh"
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
      // BDAT checks its preconditions itself, because refused octets must still be read (RFC 3030
      // 2).
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

// Returns the maximum length of a command line with the announced extensions (S4).
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
  bool mail = command != all.end() && command->verb == "MAIL";
  bool rcpt = command != all.end() && command->verb == "RCPT";
  command_line_ = line;
  auto limit = command == all.end() ? kCommandLine : line_limit(*command);
  if (mail || rcpt) {
    auto path = path_length(argument.substr(std::min(argument.find('<'), argument.size())));
    limit += std::max(path, kPath) - kPath;
  }
  if (is_proxy_header(line, commands_)) return give_up(say::kNotProxy);
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
  if (auto reply = has_lasted_too_long(*command)) {
    note_refusal(*reply);
    return close(*reply);
  }
  auto event = (this->*command->run)(argument);
  command_line_ = {};
  return event;
}

// S17: ends a session that sends many commands but no message, and, between transactions, one that
// has lasted as long as it may.
std::optional<Reply> Session::has_lasted_too_long(const Command& command) {
  bool carries_mail = command.needs == Needs::kTransaction || command.run == &Session::bdat;
  if (carries_mail || command.run == &Session::quit) return std::nullopt;
  if (++idle_commands_ > options_.max_idle_commands) {
    return Reply(say::kTooManyIdleCommands,
                 {options_.hostname, std::to_string(options_.max_idle_commands)});
  }
  if (old_ && !transaction_) return Reply(say::kOldSession, {options_.hostname});
  return std::nullopt;
}

// RFC 2033 4.1: like EHLO. RFC 5321 4.1.4: it also resets.
std::optional<Event> Session::lhlo(std::string_view argument) {
  // The name is only for trace and log. A name that could break a Received: field is refused.
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

// One keyword per line (RFC 5321 4.1.1.1).
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
  if (options_.proxy) add("XHOPS");
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
  // Help for XFORWARD and XCLIENT is only for trusted peers.
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
  PathRules rules{.bare_local = options_.bare_local};
  auto path =
      argument.starts_with('<') ? parse_path(argument, rules) : parse_mailbox(argument, rules);
  if (path.fault != PathFault::kNone || !path.rest.empty()) {
    return complain({say::kBadRecipient, {argument}});
  }
  if (path.non_ascii && !utf8) return complain({say::kNeedsUtf8, {argument}});
  candidate_ = {};
  candidate_.address = std::move(path.address);
  asked_ = LookupResult::kVerify;
  return RecipientNamed{candidate_.address, true, candidate_};
}

std::optional<Event> Session::expn(std::string_view) { return complain(say::kNoExpn); }

std::optional<Event> Session::quit(std::string_view) {
  return close({say::kBye, {options_.hostname}});
}

}  // namespace handoff::lmtp
