#include "conf/settings.hh"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"
#include "base/units.hh"
#include "conf/layout.hh"
#include "conf/scanner.hh"
#include "sys/log.hh"

namespace handoff::conf {
namespace {

// --- Kinds of settings. Each function makes a row of the table. `member` returns the member of
// Config that gets the value.

#define AT(member) \
  [](Config & config) -> auto& { return config.member; }

// A value that is stored as written. `fault` returns why it is invalid; empty if it is valid.
template <class Member>
Setting text(std::string_view name, std::string_view type, std::string_view value,
             std::string (*fault)(std::string_view), Member member, std::string_view help) {
  return {name, type, {value}, help, [=](Config& config, std::string_view written) {
            std::string why = fault(written);
            if (why.empty()) member(config) = std::string(written);
            return why;
          }};
}

// How numbers of a kind are written and parsed.
template <class Parse>
struct Notation {
  std::string_view type;
  Parse parse;
  std::string_view examples;
};
template <class Parse>  // clang before 17 does not deduce it for aggregates
Notation(std::string_view, Parse, std::string_view)->Notation<Parse>;
constexpr Notation kNumber{"NUMBER", parse_number, "a whole number without a unit"};
constexpr Notation kSize{"SIZE", parse_size, "octets, or with K, M or G: 65536, 500K, 50M"};
constexpr Notation kDuration{"DURATION", parse_duration,
                             "seconds, or with s, m, h or d: 90, 90s, 5m, 2h"};
constexpr Notation kMode{"MODE", parse_mode, "octal digits: 0660"};

struct Range {
  std::string_view min, max;  // as written in the configuration
};

template <class Parse, class Member>
Setting number(std::string_view name, const Notation<Parse>& notation, std::string_view value,
               Range range, Member member, std::string_view help) {
  auto set = [=, min = *notation.parse(range.min), max = *notation.parse(range.max)](
                 Config& config, std::string_view written) -> std::string {
    auto number = notation.parse(written);
    if (!number || *number < min || *number > max) {
      auto must = "must be " + std::string(range.min) + " to " + std::string(range.max);
      return number ? must : must + ", written as " + std::string(notation.examples);
    }
    auto& slot = member(config);
    slot = static_cast<std::remove_reference_t<decltype(slot)>>(*number);
    return {};
  };
  return {name, notation.type, {value}, help, set};
}

// A number, or a percentage of a whole.
template <class Parse, class Member>
Setting share(std::string_view name, std::string_view type, const Notation<Parse>& notation,
              std::string_view value, Member member, std::string_view help) {
  return {name, type, {value}, help, [=](Config& config, std::string_view written) -> std::string {
            auto amount = parse_share(written, notation.parse);
            if (!amount) {
              return "must be 0% to 99%, or a number, written as " + std::string(notation.examples);
            }
            member(config) = *amount;
            return {};
          }};
}

// A value that is one of a few words.
template <class Value, class Member>
Setting choice(std::string_view name, std::string_view type, std::string_view value,
               std::initializer_list<std::pair<std::string_view, Value>> words, Member member,
               std::string_view help) {
  auto set = [=, list = std::vector(words)](Config& config,
                                            std::string_view written) -> std::string {
    auto row = std::ranges::find(list, written, [](const auto& each) { return each.first; });
    if (row != list.end()) {
      member(config) = row->second;
      return {};
    }
    std::string known;
    for (const auto& [word, meaning] : list) {
      if (!known.empty()) known += word == list.back().first ? " or " : ", ";
      known += word;
    }
    return "must be " + known;
  };
  return {name, type, {value}, help, set};
}

template <class Member>
Setting yes_no(std::string_view name, std::string_view value, Member member,
               std::string_view help) {
  return choice<bool>(name, "yes|no", value, {{"yes", true}, {"no", false}}, member, help);
}

// A list to which each value adds an element. `parse` returns an optional.
template <class Parse, class Member>
Setting list(std::string_view name, std::string_view type, std::vector<std::string_view> values,
             Parse parse, std::string_view must, Member member, std::string_view help,
             std::string_view example = {}) {
  auto set = [=](Config& config, std::string_view written) -> std::string {
    auto element = parse(written);
    if (!element) return std::string(must);
    member(config).push_back(*element);
    return {};
  };
  return {.name = name,
          .type = type,
          .defaults = std::move(values),
          .help = help,
          .set = set,
          .repeats = true,
          .example = example};
}

// 0: any. RFC 2033 5: LMTP must not be used on port 25.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text == "any") return std::uint16_t{0};
  auto number = parse_number(text);
  if (!number || *number == 0 || *number == 25 || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// Splits a value at spaces and converts each word with `parse`. Returns `must` if a word is
// invalid.
template <class Parse, class List>
std::string set_words(std::string_view text, Parse parse, List& list, std::string_view must) {
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    auto element = parse(word);
    if (!element) return std::string(must);
    list.push_back(std::move(*element));
  }
  return {};
}

// A program and its arguments, separated by spaces. There is no shell, so there are no quotes.
template <class Member>
Setting command(std::string_view name, Member member, std::string_view help,
                std::string_view standard = "") {
  auto set = [=](Config& config, std::string_view written) -> std::string {
    auto& words = member(config);
    words.clear();
    set_words(written, [](std::string_view word) { return std::optional<std::string>(word); },
              words, {});
    if (words.empty() || words.front().starts_with('/')) return {};
    return "must be empty, or begin with the absolute path of a program";
  };
  return {name, "COMMAND", {standard}, help, set};
}

// Marks a setting that needs a restart, because it is applied before the server starts to serve.
Setting at_start(Setting setting) {
  setting.reloads = false;
  return setting;
}

std::string host_fault(std::string_view text) {
  if (is_domain(text)) return {};
  return "must be a host name of letters, digits, hyphens and dots";
}

std::string domain_fault(std::string_view text) {
  if (text.empty() || is_domain(text)) return {};
  return "must be empty or a domain of letters, digits, hyphens and dots";
}

std::string account_fault(std::string_view text) {
  return text.empty() || is_account(text) ? "" : "must be empty, a name or a number";
}

std::string path_fault(std::string_view text) {
  return text.starts_with('/') ? "" : "must be an absolute path";
}

std::string optional_path_fault(std::string_view text) {
  return text.empty() || text.starts_with('/') ? "" : "must be empty or an absolute path";
}

std::optional<std::string> absolute_path(std::string_view text) {
  return text.starts_with('/') ? std::optional<std::string>(text) : std::nullopt;
}

std::string optional_script_fault(std::string_view text) {
  return text.empty() ? std::string() : script_fault(text);
}

std::string spamtest_fault(std::string_view text) {
  return text.empty() || parse_spam_scanner(text)
             ? ""
             : "must be empty, or a header field and the highest score, such as X-Spam-Score 10";
}

std::string virustest_fault(std::string_view text) {
  return text.empty() || parse_virus_scanner(text)
             ? ""
             : "must be empty, or a header field and words for results from 0 to 5, such as "
               "X-Virus-Status Clean=1 Infected=5";
}

std::string socket_fault(std::string_view text) {
  if (!text.starts_with('/')) return "must be an absolute path";
  auto endpoint = parse_endpoint("unix:" + std::string(text));
  return endpoint ? "" : "must be a path of at most 103 octets, the maximum for a unix socket";
}

std::string delimiter_fault(std::string_view text) {
  bool fits = std::ranges::all_of(text, [](char c) {
    return is_ascii(c) && !is_control(c) && !is_alpha(c) && !is_digit(c) &&
           std::string_view(" @/\"\\").find(c) == std::string_view::npos;
  });
  return fits ? "" : "must be empty or punctuation, such as +";
}

std::string facility_fault(std::string_view text) {
  return sys::syslog_facility(text) < 0 ? "must be mail, daemon, or local0 to local7" : "";
}

// A setting for an optional part of the build can be set only if the build contains that part.
#ifdef HAVE_OPENSSL
constexpr bool kHasTls = true;
#else
constexpr bool kHasTls = false;
#endif
#ifdef HAVE_SASL
constexpr bool kHasSasl = true;
#else
constexpr bool kHasSasl = false;
#endif

std::string tls_file_fault(std::string_view text) {
  if (!text.empty() && !kHasTls) return "cannot be set: this handoffd was built without OpenSSL";
  return optional_path_fault(text);
}

std::string anything(std::string_view) { return {}; }

std::string service_fault(std::string_view text) {
  bool word = !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-';
  });
  return word ? "" : "must be a word, such as lmtp";
}

// RFC 4422 3.1: up to 20 upper-case letters, digits, hyphens and underscores.
std::optional<std::string> mechanism(std::string_view word) {
  bool name = word.size() <= 20 && std::ranges::all_of(word, [](char c) {
                return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
              });
  if (!name) return std::nullopt;
  std::string capitals(word);
  std::ranges::transform(capitals, capitals.begin(), [](char c) { return upper(c); });
  return capitals;
}

std::string set_mechanisms(Config& config, std::string_view text) {
  auto& mechanisms = config.auth.mechanisms;
  mechanisms.clear();
  auto why = set_words(text, mechanism, mechanisms,
                       "must be names of SASL mechanisms, separated by spaces");
  if (!why.empty() || mechanisms.empty() || kHasSasl) return why;
  return "cannot be set: this handoffd was built without Cyrus SASL";
}

// Returns the domain in the form to which recipients' domains are folded.
std::optional<std::string> folded_domain(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  auto folded = to_ascii_domain(text);
  return folded && is_domain(*folded) ? folded : std::nullopt;
}

std::string set_domains(Config& config, std::string_view text) {
  return set_words(text, folded_domain, config.recipients.domains,
                   "must be domains, separated by spaces, such as example.org example.net");
}

std::string set_domain_alias(Config& config, std::string_view text) {
  constexpr std::string_view kArrow = "->";
  constexpr auto kAliasSyntax = "must be ALIAS -> DOMAIN, such as example.com -> example.org";
  auto arrow = text.find(kArrow);
  if (arrow == std::string_view::npos) return kAliasSyntax;
  auto alias = folded_domain(trim(text.substr(0, arrow)));
  auto domain = folded_domain(trim(text.substr(arrow + kArrow.size())));
  if (!alias || !domain) return kAliasSyntax;
  auto& aliases = config.recipients.domain_aliases;
  // Aliases are not followed further, so they cannot form a cycle.
  if (aliases.contains(*domain)) return *domain + " is an alias itself: name its domain";
  bool named = std::ranges::any_of(aliases, [&](const auto& at) { return at.second == *alias; });
  if (named || *alias == *domain) return *alias + " is the domain of another alias";
  if (!aliases.emplace(*alias, *domain).second) return *alias + " has a domain already";
  return {};
}

std::string set_warn_at(Config& config, std::string_view text) {
  auto& list = config.quota.warn_at;
  list.clear();
  auto rising = [&](std::string_view word) -> std::optional<unsigned> {
    auto percent = parse_number(word);
    bool fits =
        percent && *percent >= 1 && *percent <= 100 && (list.empty() || *percent > list.back());
    return fits ? std::optional(static_cast<unsigned>(*percent)) : std::nullopt;
  };
  return set_words(
      text, rising, list,
      "must be percentages from 1 to 100, ascending and separated by spaces, such as 80 95");
}

// RFC 2033 5: LMTP "MUST NOT" be used on port 25 (L8).
std::string set_listen(Config& config, std::string_view text) {
  auto endpoint = parse_endpoint(text);
  bool absolute = endpoint && (!endpoint->is_unix || endpoint->path.starts_with('/'));
  if (!absolute) {
    return "must be unix:/PATH (at most 103 octets), tcp:HOST:PORT or tls:HOST:PORT, with an IPv6 "
           "address in brackets, such as tcp:[::1]:24";
  }
  if (endpoint->tls && !kHasTls) return "needs TLS, and this handoffd was built without OpenSSL";
  if (!endpoint->is_unix && endpoint->port == 25) {
    return "must not be port 25: RFC 2033 section 5 forbids it; 24 is usual";
  }
  if (std::ranges::find(config.listen, *endpoint) != config.listen.end()) {
    return "is listed twice";
  }
  config.listen.push_back(*endpoint);
  return {};
}

std::string set_http_listen(Config& config, std::string_view text) {
  config.http.listen.reset();
  if (text.empty()) return {};
  bool bare = parse_number(text).has_value();
  auto endpoint = parse_endpoint((bare ? "tcp:127.0.0.1:" : "tcp:") + std::string(text));
  if (!endpoint) return "must be empty, HOST:PORT, or a port of 127.0.0.1, such as 9180";
  config.http.listen = *endpoint;
  return {};
}

std::vector<Setting> make_table() {
  return {
      {.name = "hostname",
       .type = "NAME",
       .defaults = {},
       .help = "The name of this machine in the greeting, LHLO and Received: lines. Without it: "
               "the system's host name.",
       .set = text("", "", "", host_fault, AT(hostname), "").set,
       .example = "mail.example.org"},
      {.name = "listen",
       .type = "ENDPOINT",
       .defaults = {"unix:" RUNSTATEDIR "/handoff/lmtp.sock"},
       .help =
           "Where to accept connections: unix:PATH, tcp:HOST:PORT, or tls:HOST:PORT for TLS from "
           "the first octet. May be given several times. Port 25 is refused (RFC 2033 section 5).",
       .set = set_listen,
       .repeats = true},
      list("allow", "NETWORK", {"127.0.0.0/8", "::1"}, Network::parse,
           "must be an address or a network, such as 192.0.2.0/24 or 2001:db8::/32, with no bit "
           "set after the prefix",
           AT(allow),
           "Networks that TCP clients may connect from. May be given several times; the values "
           "replace the default. LMTP is not for wide-area use (RFC 2033 section 5)."),
      list("trusted", "PEERS", {"none"}, PeerGroup::parse, "must be a network, unix or none",
           AT(trusted),
           "Peers that may name the client they act for (XFORWARD, XCLIENT, ORCPT): networks, or "
           "unix for unix sockets and standard input. May be given several times; none means no "
           "peer."),
      list("proxy-protocol", "PEERS", {"none"}, PeerGroup::parse, "must be a network, unix or none",
           AT(proxies),
           "Proxies, such as HAProxy, that connect for others: networks, or unix for unix sockets "
           "and standard input. They must send a header of the PROXY protocol first, and nobody "
           "else may. May be given several times."),
      at_start(text("user", "USER", "", account_fault, AT(user),
                    "The user that workers run as. Must be set if root starts handoffd.")),
      at_start(text("group", "GROUP", "", account_fault, AT(group),
                    "The group of the workers. Empty: the user's own.")),
      at_start(text("pid-file", "FILE", "", optional_path_fault, AT(pid_file),
                    "The file that the master writes its process id to. Empty: none.")),
      number("idle-exit", kDuration, "0s", {"0s", "30d"}, AT(idle_exit),
             "A server that got its sockets from inetd or systemd stops after this long without a "
             "client; the next client starts it again. 0: it never stops."),

      at_start(
          number("socket.mode", kMode, "0660", {"0000", "0777"}, AT(socket.mode),
                 "Permission bits of unix sockets, in octal. A client needs write permission.")),
      at_start(text("socket.owner", "USER", "", account_fault, AT(socket.owner),
                    "Owner of unix sockets. Empty: as created.")),
      at_start(
          text("socket.group", "GROUP", "", account_fault, AT(socket.group),
               "Group of unix sockets, usually that of the queue manager. Empty: as created.")),
      at_start(number(
          "socket.backlog", kNumber, "511", {"1", "65535"}, AT(socket.backlog),
          "The number of connections that may wait for a worker before further ones are refused.")),

      number("workers.max", kNumber, "64", {"1", "10000"}, AT(workers.max),
             "The maximum number of worker processes, and therefore of connections that are served "
             "at a time."),
      number("workers.min-idle", kNumber, "2", {"1", "10000"}, AT(workers.min_idle),
             "If fewer workers than this are idle, more are started."),
      number("workers.max-idle", kNumber, "16", {"1", "10000"}, AT(workers.max_idle),
             "If more workers than this are idle, some are stopped."),
      share(
          "workers.max-per-client", "NUMBER|N%", kNumber, "50%", AT(workers.max_per_client),
          "How many workers may serve one TCP client at a time, as a number or as a percentage of "
          "workers.max; further connections are answered with 421 4.7.0. A client is an IPv4 "
          "address or an IPv6 network of 64 bits. 0: no limit."),
      number(
          "workers.max-transactions", kNumber, "10000", {"0", "1000000000"},
          AT(workers.max_transactions),
          "The number of transactions after which a worker is replaced by a fresh one. 0: never."),
      number("workers.progress-timeout", kDuration, "10m", {"1s", "1d"},
             AT(workers.progress_timeout),
             "A worker that makes no progress for this long while it is not waiting for its client "
             "is killed. Clients wait ten minutes for a reply (RFC 5321 section 4.5.3.2.6)."),

      number("session.max-message-size", kSize, "50M", {"1K", "1024G"},
             AT(session.max_message_size),
             "The maximum size of a message, in octets or with K, M or G. Announced as SIZE (RFC "
             "1870)."),
      number("session.max-recipients", kNumber, "1000", {"100", "100000"},
             AT(session.max_recipients),
             "The maximum number of recipients of one transaction; further ones are deferred. Must "
             "be at least 100 (RFC 5321 section 4.5.3.1.8)."),
      number("session.max-errors", kNumber, "20", {"1", "1000000"}, AT(session.max_errors),
             "The number of refused commands after which a session is closed with 421."),
      number("session.command-timeout", kDuration, "5m", {"1s", "1d"}, AT(session.command_timeout),
             "The maximum time to wait for the next command, in seconds or with s, m, h or d. RFC "
             "5321 section 4.5.3.2.7 requires five minutes."),
      number("session.stress-timeout", kDuration, "10s", {"1s", "1d"}, AT(session.stress_timeout),
             "The maximum time to wait for the next command while all workers are busy and other "
             "clients wait; after that the session is closed with 421 4.3.2."),
      number("session.data-timeout", kDuration, "5m", {"1s", "1d"}, AT(session.data_timeout),
             "The maximum time to wait for the next part of a message."),
      number("session.max-time", kDuration, "1h", {"1s", "30d"}, AT(session.max_time),
             "The time after which a session is closed with 421 4.3.2 at its next command, if no "
             "transaction is open."),
      number("session.transaction-timeout", kDuration, "1h", {"1s", "1d"},
             AT(session.transaction_timeout),
             "The maximum time from MAIL to the end of the message, however slowly it arrives."),

      choice<BareNewlines>(
          "protocol.bare-newlines", "keep|reject", "keep",
          {{"keep", BareNewlines::kKeep}, {"reject", BareNewlines::kReject}},
          AT(protocol.bare_newlines),
          "What happens to a message that contains a CR or LF alone: it is stored unchanged, or "
          "refused with 550 5.6.11. Such a character never ends a message."),
      yes_no("protocol.lenient-newlines", "no", AT(protocol.lenient_newlines),
             "Whether a command may end in LF alone. Messages always end in CRLF . CRLF."),
      yes_no(
          "protocol.lenient-addresses", "no", AT(protocol.lenient_addresses),
          "Whether MAIL and RCPT accept an address without angle brackets, and several blanks or "
          "a tab before it."),
      number(
          "protocol.max-delivered-to", kNumber, "5", {"0", "1000"}, AT(protocol.max_delivered_to),
          "A message that names the mailbox in more Delivered-To: lines than this is a mail loop "
          "and refused with 554 5.4.6. 0: there is no limit."),

      text("spool.path", "DIRECTORY", LOCALSTATEDIR "/spool/handoff", path_fault, AT(spool.path),
           "The directory of the mailboxes and the staging area, on one filesystem."),
      text("spool.layout", "LAYOUT", "%d/%n", layout_fault, AT(spool.layout),
           "The path of a mailbox below spool.path: %u is the whole address, %n its local part, %d "
           "its domain, %2n the first two characters of %n. %h at its beginning is the home of the "
           "recipient, if the lookup knows one."),
      choice<Newline>("spool.newline", "lf|crlf", "lf",
                      {{"lf", Newline::kLf}, {"crlf", Newline::kCrlf}}, AT(spool.newline),
                      "How the lines of stored messages end."),
      choice<DeliveredTo>("spool.delivered-to", "auto|always|never", "auto",
                          {{"auto", DeliveredTo::kAuto},
                           {"always", DeliveredTo::kAlways},
                           {"never", DeliveredTo::kNever}},
                          AT(spool.delivered_to),
                          "Whether a Delivered-To: line is added. auto: only if the transaction "
                          "has one recipient, so that several recipients can share one file."),
      choice<Sync>("spool.sync", "auto|plain", "auto",
                   {{"auto", Sync::kAuto}, {"plain", Sync::kPlain}}, AT(spool.sync),
                   "How a message is made durable. auto: by one sync for all recipients on "
                   "filesystems that are known to allow it. plain: the data and then each "
                   "mailbox's directory are synced, as on all other filesystems."),
      choice<FolderEncoding>("spool.folder-encoding", "utf-7|utf-8", "utf-7",
                             {{"utf-7", FolderEncoding::kUtf7}, {"utf-8", FolderEncoding::kUtf8}},
                             AT(spool.folder_encoding),
                             "How folder names beyond ASCII are encoded on disk: utf-7, the "
                             "modified UTF-7 of IMAP, as in Dovecot, or utf-8, as in Courier."),
      command("spool.create-command", AT(spool.create_command),
              "A program that creates a missing mailbox instead of handoff. Split on spaces; no "
              "shell, no quoting. The mailbox's directory and the address are added. Empty: "
              "handoff creates it."),
      share("spool.min-free", "SIZE|N%", kSize, "1%", AT(spool.min_free),
            "How much space messages must leave free on the spool's filesystem, in octets, with K, "
            "M or G, or as a percentage of it. If less is left, counting messages that are being "
            "received, MAIL is answered with 452 4.3.1. 0: no limit."),
      share(
          "spool.min-free-inodes", "NUMBER|N%", kNumber, "1%", AT(spool.min_free_inodes),
          "How many inodes messages must leave free on the spool's filesystem, as a number or as a "
          "percentage. Each file takes one. 0: no limit."),
      number("spool.sweep-interval", kDuration, "6h", {"0s", "30d"}, AT(spool.sweep_every),
             "How often files that dead processes left in staging and in the tmp/ of each mailbox "
             "are removed. They are also removed at each start. 0s: only at a start."),

      {.name = "recipients.lookup",
       .type = "LOOKUP",
       .defaults = {"mailbox"},
       .help = "Which recipients exist and where their mailboxes are: mailbox, any, passwd, "
               "file:PATH, sqlite:PATH?QUERY, postgresql:CONNINFO?QUERY, mysql:CONNINFO?QUERY, "
               "ldap:URL, socketmap:unix:PATH:NAME, socketmap:tcp:HOST:PORT:NAME or dovecot:PATH. "
               "May be given several times: the first that knows the recipient answers.",
       // combine() parses the values, and keeps the origin of each for later messages.
       .set = [](Config&, std::string_view) { return std::string(); },
       .repeats = true},
      number("recipients.lookup-timeout", kDuration, "10s", {"1s", "5m"},
             AT(recipients.lookup_timeout),
             "How long one lookup of one recipient may take before the recipient is deferred with "
             "451 4.3.0."),
      number(
          "recipients.cache-ttl", kDuration, "10s", {"0s", "1h"}, AT(recipients.cache_ttl),
          "How long a worker keeps an answer, positive or negative, of a lookup that asks another "
          "process. 0: not at all."),
      {.name = "recipients.domains",
       .type = "DOMAINS",
       .defaults = {},
       .help = "Domains for which mail is accepted, separated by spaces; recipients in others are "
               "refused with 550 5.7.1. May be given several times. Without it, mail for all "
               "domains is accepted.",
       .set = set_domains,
       .repeats = true,
       .example = "example.org example.net"},
      {.name = "recipients.domain-alias",
       .type = "ALIAS",
       .defaults = {},
       .help = "Another name of a domain: recipients in the first domain are those of the second. "
               "May be given several times.",
       .set = set_domain_alias,
       .repeats = true,
       .example = "example.com -> example.org"},
      text("recipients.default-domain", "DOMAIN", "", domain_fault, AT(recipients.default_domain),
           "The domain of recipients without one. Empty: they are refused, except postmaster."),
      text("recipients.delimiter", "CHARACTERS", "+", delimiter_fault, AT(recipients.delimiter),
           "Characters that separate user and folder in pat+lists@example.org. Empty: there are no "
           "subaddresses."),
      choice<Case>(
          "recipients.case", "fold|keep", "fold", {{"fold", Case::kFold}, {"keep", Case::kKeep}},
          AT(recipients.fold),
          "Whether Pat and pat are the same recipient. The case of domains never matters."),
      yes_no("recipients.create-folders", "no", AT(recipients.create_folders),
             "Whether mail for pat+lists@example.org creates the folder lists if pat has none. "
             "Otherwise the message goes to the inbox."),
      number(
          "recipients.max-concurrent", kNumber, "20", {"0", "10000"}, AT(recipients.max_concurrent),
          "The maximum number of deliveries to one mailbox at a time; further ones are deferred "
          "with 451 4.3.2, so that a mailbox that hangs does not block every worker. 0: no limit."),
      number("recipients.slow-after", kDuration, "10s", {"1s", "1h"}, AT(recipients.slow_after),
             "A delivery to a mailbox that takes longer than this counts as slow."),
      number("recipients.slow-limit", kNumber, "3", {"0", "1000"}, AT(recipients.slow_limit),
             "After this many slow deliveries in a row, mail for the mailbox is deferred with 451 "
             "4.4.5 for the time of recipients.slow-pause. 0: never."),
      number("recipients.slow-pause", kDuration, "1m", {"1s", "1d"}, AT(recipients.slow_pause),
             "How long mail for a slow mailbox is deferred. After that, one delivery shows whether "
             "the mailbox is still slow."),

      choice<Proxy>(
          "proxy.enabled", "auto|yes|no", "auto",
          {{"auto", Proxy::kAuto}, {"yes", Proxy::kYes}, {"no", Proxy::kNo}}, AT(proxy.enabled),
          "Whether mail is passed on to the host that a lookup names with host=. auto: if a line "
          "of a file: table has host=. Other lookups need yes."),
      list(
          "proxy.networks", "NETWORK", {"0.0.0.0/0", "::/0"}, Network::parse,
          "must be an address or a network, such as 192.0.2.0/24 or 2001:db8::/32, with no bit set "
          "after the prefix",
          AT(proxy.networks),
          "Networks that mail may be passed on to. May be given several times; the values replace "
          "the default, which is any."),
      list("proxy.ports", "PORT", {"any"}, parse_port, "must be a TCP port other than 25, or any",
           AT(proxy.ports),
           "TCP ports that mail may be passed on to; the kernel lets workers connect to no others. "
           "May be given several times."),
      number("proxy.timeout", kDuration, "30s", {"1s", "1h"}, AT(proxy.timeout),
             "How long another host may take to accept a connection, to answer a command, or to "
             "take more of a message. Its recipients are then deferred with 451."),
      number("proxy.delivery-timeout", kDuration, "5m", {"1s", "1h"}, AT(proxy.delivery_timeout),
             "How long another host may take from the end of a message to its last reply."),

      number("delivery.first-uid", kNumber, "1000", {"1", "4294967294"}, AT(delivery.first_uid),
             "If mailboxes belong to their users, mail is delivered only as users with this uid or "
             "a higher one. Recipients with a lower uid are deferred with 451."),
      number("delivery.first-gid", kNumber, "1000", {"1", "4294967294"}, AT(delivery.first_gid),
             "If mailboxes belong to their users, mail is delivered only with this gid or a higher "
             "one. Recipients with a lower gid are deferred with 451."),
      number("delivery.timeout", kDuration, "30s", {"1s", "1h"}, AT(delivery.timeout),
             "How long one delivery to a mailbox of another user may take. After that it is "
             "aborted and the recipient is deferred with 451; other recipients are not affected."),

      number("quota.size", kSize, "0", {"0", "1048576G"}, AT(quota.size),
             "How many octets a mailbox may hold if the lookup does not say. 0: no limit."),
      number("quota.messages", kNumber, "0", {"0", "1000000000"}, AT(quota.messages),
             "How many messages a mailbox may hold if the lookup does not say. 0: no limit."),
      choice<QuotaOver>(
          "quota.over", "defer|bounce", "defer",
          {{"defer", QuotaOver::kDefer}, {"bounce", QuotaOver::kBounce}}, AT(quota.over),
          "What happens to a message that does not fit into a full mailbox. defer: the queue "
          "manager tries again later (452 4.2.2). bounce: it is refused (552 5.2.2)."),
      {.name = "quota.warn-at",
       .type = "PERCENTAGES",
       .defaults = {"80 95"},
       .help = "Percentages of the quota at which quota.warn-command runs, ascending and separated "
               "by spaces.",
       .set = set_warn_at},
      command("quota.warn-command", AT(quota.warn_command),
              "A program that runs when a message fills a mailbox beyond one of quota.warn-at. "
              "Split on spaces; no shell, no quoting. The percentage and the address are added. "
              "Empty: none."),

      choice<bool>("duplicates.guard", "on|off", "on", {{"on", true}, {"off", false}},
                   AT(duplicates.guard),
                   "Whether a message that is sent again because its replies were not read is "
                   "recognised and not delivered twice."),
      number("duplicates.window", kDuration, "5d", {"1m", "90d"}, AT(duplicates.window),
             "How long such a message is remembered. Use the time for which the queue manager "
             "retries."),

      text("tls.certificate", "FILE", "", tls_file_fault, AT(tls.certificate),
           "The certificate for TLS, with its chain, in PEM. With it STARTTLS is offered to TCP "
           "clients. Read before privileges are dropped. Empty: no TLS."),
      text(
          "tls.key", "FILE", "", tls_file_fault, AT(tls.key),
          "The private key of tls.certificate, in PEM, without a passphrase. Only the master needs "
          "to read it. Empty: it is in the file of the certificate."),
      choice<bool>("tls.min-version", "1.2|1.3", "1.2", {{"1.2", false}, {"1.3", true}},
                   AT(tls.only_1_3), "The oldest version of TLS that is accepted."),
      text("tls.ciphers", "LIST", "", anything, AT(tls.ciphers),
           "The ciphers of TLS 1.2, in the notation of openssl-ciphers(1). Empty: the default of "
           "OpenSSL."),
      yes_no("tls.required", "no", AT(tls.required),
             "Whether TCP clients must start TLS before they send mail."),
      text("tls.client-ca", "FILE", "", tls_file_fault, AT(tls.client_ca),
           "CA certificates, in PEM, with which client certificates are verified. Empty: clients "
           "are asked for none."),
      yes_no("tls.trust-clients", "yes", AT(tls.trust_clients),
             "Whether clients with a certificate of tls.client-ca are trusted, like the peers in "
             "the setting trusted."),

      {.name = "auth.mechanisms",
       .type = "MECHANISMS",
       .defaults = {""},
       .help = "SASL mechanisms that AUTH offers to TCP clients, separated by spaces, such as "
               "SCRAM-SHA-256 PLAIN EXTERNAL. PLAIN and LOGIN are offered only under TLS, EXTERNAL "
               "only to clients with a certificate of tls.client-ca. Empty: no AUTH.",
       .set = set_mechanisms},
      yes_no("auth.required", "no", AT(auth.required),
             "Whether TCP clients must authenticate before they send mail."),
      text("auth.service", "NAME", "lmtp", service_fault, AT(auth.service),
           "The name of this service in SASL, for PAM and Kerberos."),
      text("auth.sasl-path", "DIRECTORY", "", optional_path_fault, AT(auth.sasl_path),
           "The directory in which Cyrus SASL looks for its configuration, handoff.conf. Empty: "
           "the library's default."),

      command(
          "dsn.command", AT(dsn.command),
          "A program that sends a delivery report to a sender who asked for one (NOTIFY=SUCCESS, "
          "RFC 3461), such as /usr/sbin/sendmail -i -f <>. Split on spaces; no shell, no quoting. "
          "The sender's address is added. Empty: no reports, and DSN is not offered."),
      number("dsn.timeout", kDuration, "1m", {"1s", "1h"}, AT(dsn.timeout),
             "How long dsn.command may run before it is killed."),

      yes_no("sieve.enabled", "no", AT(sieve.enabled),
             "Whether the Sieve scripts of recipients run at delivery; see handoff-sieve(7)."),
      text("sieve.script", "TEMPLATE", "%h/.dovecot.sieve", script_fault, AT(sieve.script),
           "The script of a recipient: an absolute path or one below %h, with the variables of "
           "spool.layout. %h is the home that the lookup knows, or else the mailbox."),
      text("sieve.include-directory", "TEMPLATE", "%h/sieve", optional_script_fault,
           AT(sieve.include_directory),
           "Where a recipient's script includes :personal scripts from. Empty: nowhere."),
      text("sieve.global-directory", "DIRECTORY", "", optional_path_fault,
           AT(sieve.global_directory),
           "Where scripts include :global scripts from. Empty: nowhere."),
      list("sieve.before", "FILE", {}, absolute_path, "must be an absolute path", AT(sieve.before),
           "A script that runs before the recipient's own. May be given several times.",
           "/etc/handoff/before.sieve"),
      list("sieve.after", "FILE", {}, absolute_path, "must be an absolute path", AT(sieve.after),
           "A script that runs after the recipient's own, if that keeps the message. May be given "
           "several times.",
           "/etc/handoff/after.sieve"),
      text("sieve.default", "FILE", "", optional_path_fault, AT(sieve.fallback),
           "The script of recipients who have none of their own. Empty: none."),
      number("sieve.timeout", kDuration, "30s", {"1s", "10m"}, AT(sieve.timeout),
             "How long the scripts of one recipient may take. Then the process that runs them is "
             "ended and the recipient is deferred with 451."),
      choice<bool>("sieve.reject", "reply|discard", "reply", {{"reply", true}, {"discard", false}},
                   AT(sieve.rejects),
                   "What reject and ereject do: they answer with 550 and the script's text, or "
                   "discard the message, because a bounce would go to a forged address."),
      number("sieve.max-script-size", kSize, "1M", {"1K", "64M"}, AT(sieve.max_script_size),
             "The maximum size of a script, in octets or with K or M."),
      number("sieve.max-actions", kNumber, "32", {"1", "1000"}, AT(sieve.max_actions),
             "The maximum number of actions that the scripts of one recipient may take with a "
             "message."),
      number("sieve.max-redirects", kNumber, "4", {"0", "100"}, AT(sieve.max_redirects),
             "The maximum number of addresses to which they may redirect a message."),
      number("sieve.max-steps", kNumber, "5000000", {"1000", "1000000000"}, AT(sieve.max_steps),
             "The maximum number of steps that they may take; a rule takes a few, and a message is "
             "kept in the inbox if they take more."),
      text("sieve.spamtest", "FIELD NUMBER", "", spamtest_fault, AT(sieve.spamtest),
           "The header field in which the site's scanner of spam writes a score or stars, and the "
           "score that is certainly spam, such as X-Spam-Score 10. Empty: for spamtest, no message "
           "was scanned."),
      text("sieve.virustest", "FIELD WORD=NUMBER...", "", virustest_fault, AT(sieve.virustest),
           "The header field in which the site's scanner of viruses writes its result, and the "
           "words that stand for 0 to 5 of RFC 5235, such as X-Virus-Status Clean=1 Infected=5. "
           "Empty: for virustest, no message was scanned."),
      command("sieve.sendmail", AT(sieve.sendmail),
              "The program that sends the messages that scripts redirect or create. Split on "
              "spaces; no shell, no quoting. -oi -f SENDER -- RECIPIENT is added.",
              "/usr/sbin/sendmail"),
      number("sieve.sendmail-timeout", kDuration, "1m", {"1s", "1h"}, AT(sieve.sendmail_timeout),
             "How long sieve.sendmail may run for one message before it is killed and tried again "
             "later."),

      choice<LogTo>("log.to", "syslog|stderr", "syslog",
                    {{"syslog", LogTo::kSyslog}, {"stderr", LogTo::kStderr}}, AT(log.to),
                    "Where the log is written."),
      choice<sys::LogFormat>(
          "log.format", "text|json", "text",
          {{"text", sys::LogFormat::kText}, {"json", sys::LogFormat::kJson}}, AT(log.format),
          "How a log line is written: a message with key=value fields, or one JSON object."),
      choice<sys::Level>("log.level", "error|warning|info|debug", "info",
                         {{"error", sys::Level::kError},
                          {"warning", sys::Level::kWarning},
                          {"info", sys::Level::kInfo},
                          {"debug", sys::Level::kDebug}},
                         AT(log.level), "The least severe level that is logged."),
      text("log.facility", "FACILITY", "mail", facility_fault, AT(log.facility),
           "The syslog facility."),

      at_start(text("control.socket", "FILE", RUNSTATEDIR "/handoff/control.sock", socket_fault,
                    AT(control_socket),
                    "The unix socket over which handoffctl talks to the master.")),

      at_start(text("cluster.name", "NAME", "", account_fault, AT(cluster),
                    "If another host with the same name uses the spool, this one waits, and takes "
                    "the spool over when the other is gone. Empty: it does not start.")),

      {.name = "http.listen",
       .type = "HOST:PORT",
       .defaults = {""},
       .help = "Where metrics (/metrics), health (/healthz) and a status page (/) are served, in "
               "plain HTTP and to anyone who can connect. A port alone is on 127.0.0.1. Empty: "
               "there is no HTTP server.",
       .set = set_http_listen},
      yes_no("http.show-addresses", "no", AT(http.show_addresses),
             "Whether the status page shows mail addresses."),
  };
}

#undef AT

// Returns a bit for each character that occurs in `text`.
std::uint64_t letters_of(std::string_view text) {
  std::uint64_t out = 0;
  for (char c : text) out |= std::uint64_t{1} << (static_cast<unsigned char>(c) & 63);
  return out;
}

// Returns the edit distance, or `limit` if the lengths or the letters show that it is not less: a
// file may contain any number of names of any length.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  auto difference = std::max(a.size(), b.size()) - std::min(a.size(), b.size());
  if (difference >= limit) return limit;
  // Each letter that only one of them has is removed, inserted or replaced.
  auto in_a = letters_of(a);
  auto in_b = letters_of(b);
  auto letters = std::max(std::popcount(in_a & ~in_b), std::popcount(in_b & ~in_a));
  return static_cast<std::size_t>(letters) < limit ? edit_distance(a, b) : limit;
}

}  // namespace

std::string_view Setting::section() const {
  auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

std::span<const Setting> settings() {
  static const std::vector<Setting> table = make_table();
  return table;
}

const Setting* find_setting(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const Setting*> out;
    for (const auto& setting : settings()) out.emplace(setting.name, &setting);
    return out;
  }();
  auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

std::string_view nearest_setting(std::string_view name) {
  std::string_view best;
  // A name that differs in more than a third is not similar.
  std::size_t least = name.size() / 3 + 1;
  for (const auto& setting : settings()) {
    // For "newline", or a key in the wrong [section], compare the last part.
    auto last = setting.name.substr(setting.name.find('.') + 1);
    std::size_t d = std::min(distance(name, setting.name, least),
                             distance(name.substr(name.rfind('.') + 1), last, least) + 1);
    if (d < least) {
      least = d;
      best = setting.name;
    }
  }
  return best;
}

std::string_view nearest_section(std::string_view name) {
  std::string_view best;
  std::size_t least = name.size() / 3 + 1;
  for (const auto& setting : settings()) {
    std::size_t d = distance(lower(name), setting.section(), least);
    if (d < least && !setting.section().empty()) {
      least = d;
      best = setting.section();
    }
  }
  return best;
}

}  // namespace handoff::conf
