#include "conf/settings.hh"

#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "conf/kinds.hh"
#include "conf/layout.hh"
#include "conf/lookups.hh"
#include "sys/log.hh"

namespace handoff::conf {
namespace {

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

std::string socket_fault(std::string_view text) {
  if (!text.starts_with('/')) return "must be an absolute path";
  auto endpoint = parse_endpoint("unix:" + std::string(text));
  return endpoint ? ""
                  : "must be a path of at most 103 octets, which is what a socket's name holds";
}

std::string delimiter_fault(std::string_view text) {
  bool fits = std::ranges::all_of(text, [](char c) {
    return is_ascii(c) && !is_control(c) && !is_alpha(c) && !is_digit(c) &&
           std::string_view(" @/\"\\").find(c) == std::string_view::npos;
  });
  return fits ? "" : "must be empty or punctuation, as +";
}

std::string facility_fault(std::string_view text) {
  return sys::syslog_facility(text) < 0 ? "must be mail, daemon, or local0 to local7" : "";
}

// What an optional part of the build is needed for may be set where it is there.
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
  return word ? "" : "must be a word, as lmtp";
}

// RFC 4422 3.1: names of up to 20 capitals, digits, hyphens and underscores.
std::string set_mechanisms(Config& config, std::string_view text) {
  config.auth.mechanisms.clear();
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    bool name = word.size() <= 20 && std::ranges::all_of(word, [](char c) {
                  return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
                });
    if (!name) return "must be names of SASL mechanisms, parted by blanks";
    std::string capitals;
    for (char c : word) capitals += upper(c);
    config.auth.mechanisms.push_back(std::move(capitals));
  }
  if (!config.auth.mechanisms.empty() && !kHasSasl) {
    return "cannot be set: this handoffd was built without Cyrus SASL";
  }
  return {};
}

std::string set_lookup(Config& config, std::string_view text) {
  auto why = lookup_fault(text);
  if (why.empty()) config.recipients.lookups.emplace_back(text);
  return why;
}

// A domain in the form that recipients are folded to.
std::optional<std::string> folded_domain(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  auto folded = to_ascii_domain(text);
  return folded && is_domain(*folded) ? folded : std::nullopt;
}

std::string set_domains(Config& config, std::string_view text) {
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    auto domain = folded_domain(word);
    if (!domain) return "must be domains, parted by blanks";
    config.recipients.domains.push_back(*domain);
  }
  return {};
}

std::string set_domain_alias(Config& config, std::string_view text) {
  constexpr std::string_view kArrow = "->";
  auto arrow = text.find(kArrow);
  if (arrow == std::string_view::npos) return "must be ALIAS -> DOMAIN";
  auto alias = folded_domain(trim(text.substr(0, arrow)));
  auto domain = folded_domain(trim(text.substr(arrow + kArrow.size())));
  if (!alias || !domain) return "must be ALIAS -> DOMAIN";
  auto& aliases = config.recipients.domain_aliases;
  // One step is enough, and cannot be a circle.
  if (aliases.contains(*domain)) return *domain + " is an alias itself: name its domain";
  bool named = std::ranges::any_of(aliases, [&](const auto& at) { return at.second == *alias; });
  if (named || *alias == *domain) return *alias + " stands behind an arrow too";
  if (!aliases.emplace(*alias, *domain).second) return *alias + " has an arrow already";
  return {};
}

// Parted at blanks; there is no shell, and so there are no quotes.
std::string set_command(std::vector<std::string>& command, std::string_view text) {
  command.clear();
  for (std::string_view word : split(text, ' ')) {
    if (!word.empty()) command.emplace_back(word);
  }
  if (command.empty() || command.front().starts_with('/')) return {};
  return "must be empty, or begin with the absolute path of a program";
}

std::string set_dsn_command(Config& config, std::string_view text) {
  return set_command(config.dsn.command, text);
}

std::string set_create_command(Config& config, std::string_view text) {
  return set_command(config.spool.create_command, text);
}

std::string set_warn_command(Config& config, std::string_view text) {
  return set_command(config.quota.warn_command, text);
}

std::string set_warn_at(Config& config, std::string_view text) {
  auto& list = config.quota.warn_at;
  list.clear();
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    auto percent = parse_number(word);
    bool rises =
        percent && *percent >= 1 && *percent <= 100 && (list.empty() || *percent > list.back());
    if (!rises) return "must be percentages from 1 to 100, rising and parted by blanks";
    list.push_back(static_cast<unsigned>(*percent));
  }
  return {};
}

// RFC 2033 5: LMTP "MUST NOT" be used on port 25 (L8).
std::string set_listen(Config& config, std::string_view text) {
  auto endpoint = parse_endpoint(text);
  bool absolute = endpoint && (!endpoint->is_unix || endpoint->path.starts_with('/'));
  if (!absolute) {
    return "must be unix:/PATH (of at most 103 octets), tcp:HOST:PORT or tls:HOST:PORT, where an "
           "IPv6 address stands in brackets";
  }
  if (endpoint->tls && !kHasTls) return "needs TLS, and this handoffd was built without OpenSSL";
  if (!endpoint->is_unix && endpoint->port == 25) {
    return "must not be port 25: RFC 2033 section 5 keeps LMTP off it, 24 is usual";
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
  if (!endpoint) return "must be empty, HOST:PORT, or a port of 127.0.0.1";
  config.http.listen = *endpoint;
  return {};
}

std::vector<Setting> make_table() {
  using C = Config;
  std::vector<Setting> table = {
      {.name = "hostname",
       .type = "NAME",
       .defaults = {},
       .help = "What the greeting, LHLO and Received: lines call this machine. Without it: what "
               "the system calls itself.",
       .set =
           [](C& c, std::string_view written) {
             std::string why = host_fault(written);
             if (why.empty()) c.hostname = std::string(written);
             return why;
           },
       .example = "mail.example.org"},
      {.name = "listen",
       .type = "ENDPOINT",
       .defaults = {"unix:" RUNSTATEDIR "/handoff/lmtp.sock"},
       .help = "Where to accept connections: unix:PATH, tcp:HOST:PORT, or tls:HOST:PORT, where TLS "
               "is spoken from the start. May be given several times. Port 25 is refused (RFC 2033 "
               "section 5).",
       .set = set_listen,
       .repeats = true,
       .example = {}},
      list(
          "allow", "NETWORK", {"127.0.0.0/8", "::1"}, Network::parse,
          "must be an address or a network, as 192.0.2.0/24 or 2001:db8::/32, with no bit set "
          "behind the prefix",
          [](C & c) -> auto& { return c.allow; },
          "Networks that TCP clients may connect from. May be given several times; what is given "
          "replaces the default. LMTP is not for wide-area use (RFC 2033 section 5)."),
      list(
          "trusted", "PEERS", {"none"}, PeerGroup::parse, "must be a network, unix or none",
          [](C & c) -> auto& { return c.trusted; },
          "Peers that may say on whose behalf they come (XFORWARD, XCLIENT, ORCPT): networks, or "
          "unix for unix sockets and standard input. May be given several times; none trusts "
          "nobody."),
      at_start(text(
          "user", "USER", "", account_fault, [](C & c) -> auto& { return c.user; },
          "What the workers run as. Must be set where handoffd is started by root.")),
      at_start(text(
          "group", "GROUP", "", account_fault, [](C & c) -> auto& { return c.group; },
          "The group of the workers. Empty: the user's own.")),
      at_start(text(
          "pid-file", "FILE", "", optional_path_fault, [](C & c) -> auto& { return c.pid_file; },
          "Where the master writes its process id. Empty: nowhere.")),
      ranged(
          "idle-exit", "DURATION", parse_duration, "0s", "0s", "30d",
          [](C & c) -> auto& { return c.idle_exit; },
          "A server that inetd or systemd has given its sockets stops when it had no client for so "
          "long; the next starts it again. 0: it stays."),

      at_start(ranged(
          "socket.mode", "MODE", parse_mode, "0660", "0000", "0777",
          [](C & c) -> auto& { return c.socket.mode; },
          "Permission bits of unix sockets, in octal. A client needs write permission.")),
      at_start(text(
          "socket.owner", "USER", "", account_fault, [](C & c) -> auto& { return c.socket.owner; },
          "Owner of unix sockets. Empty: as created.")),
      at_start(text(
          "socket.group", "GROUP", "", account_fault, [](C & c) -> auto& { return c.socket.group; },
          "Group of unix sockets, usually that of the queue manager. Empty: as created.")),
      at_start(ranged(
          "socket.backlog", "NUMBER", parse_number, "511", "1", "65535",
          [](C & c) -> auto& { return c.socket.backlog; },
          "Connections that may wait for a worker before more are refused.")),

      ranged(
          "workers.max", "NUMBER", parse_number, "64", "1", "10000",
          [](C & c) -> auto& { return c.workers.max; },
          "Most worker processes, which is most connections served at a time."),
      ranged(
          "workers.min-idle", "NUMBER", parse_number, "2", "1", "10000",
          [](C & c) -> auto& { return c.workers.min_idle; },
          "Workers kept waiting for a connection; fewer than these, and more are started."),
      ranged(
          "workers.max-idle", "NUMBER", parse_number, "16", "1", "10000",
          [](C & c) -> auto& { return c.workers.max_idle; },
          "More waiting workers than these, and some are ended."),
      ranged(
          "workers.max-transactions", "NUMBER", parse_number, "10000", "0", "1000000000",
          [](C & c) -> auto& { return c.workers.max_transactions; },
          "Transactions after which a worker is replaced by a fresh one. 0: never."),
      ranged(
          "workers.progress-timeout", "DURATION", parse_duration, "10m", "1s", "1d",
          [](C & c) -> auto& { return c.workers.progress_timeout; },
          "A worker that has gone no step forward for so long, though its client keeps it from "
          "nothing, is killed. Clients wait ten minutes for a reply (RFC 5321 section "
          "4.5.3.2.6)."),

      ranged(
          "session.max-message-size", "SIZE", parse_size, "50M", "1K", "1024G",
          [](C & c) -> auto& { return c.session.max_message_size; },
          "Largest message, in octets or with K, M or G. Announced as SIZE (RFC 1870)."),
      ranged(
          "session.max-recipients", "NUMBER", parse_number, "1000", "100", "100000",
          [](C & c) -> auto& { return c.session.max_recipients; },
          "Most recipients of one transaction; the rest is asked to be sent again. At least "
          "100 (RFC 5321 section 4.5.3.1.8)."),
      ranged(
          "session.max-errors", "NUMBER", parse_number, "20", "1", "1000000",
          [](C & c) -> auto& { return c.session.max_errors; },
          "Refused commands after which a session is closed with 421."),
      ranged(
          "session.command-timeout", "DURATION", parse_duration, "5m", "1s", "1d",
          [](C & c) -> auto& { return c.session.command_timeout; },
          "Longest wait for the next command, in seconds or with s, m, h or d. RFC 5321 section "
          "4.5.3.2.7 asks for five minutes."),
      ranged(
          "session.data-timeout", "DURATION", parse_duration, "5m", "1s", "1d",
          [](C & c) -> auto& { return c.session.data_timeout; },
          "Longest wait for more of a message."),
      ranged(
          "session.transaction-timeout", "DURATION", parse_duration, "1h", "1s", "1d",
          [](C & c) -> auto& { return c.session.transaction_timeout; },
          "Longest time from MAIL to the end of the message, however slowly it trickles."),

      choice<BareNewlines>(
          "protocol.bare-newlines", "keep|reject", "keep",
          {{"keep", BareNewlines::kKeep}, {"reject", BareNewlines::kReject}},
          [](C & c) -> auto& { return c.protocol.bare_newlines; },
          "What becomes of a message with a CR or LF that stands alone: stored as it is, or "
          "refused with 550 5.6.11. Neither ever ends a message."),
      choice<bool>(
          "protocol.lenient-newlines", "yes|no", "no", {{"yes", true}, {"no", false}},
          [](C & c) -> auto& { return c.protocol.lenient_newlines; },
          "Whether a command may end in LF alone. Messages end in CRLF . CRLF all the same."),

      text(
          "spool.path", "DIRECTORY", LOCALSTATEDIR "/spool/handoff", path_fault,
          [](C & c) -> auto& { return c.spool.path; },
          "The directory that mailboxes and the staging area lie in, on one filesystem."),
      text(
          "spool.layout", "LAYOUT", "%d/%n", layout_fault,
          [](C & c) -> auto& { return c.spool.layout; },
          "Where below spool.path a mailbox lies: %u is the whole address, %n its local part, %d "
          "its domain, %2n the first two characters of %n. At its beginning %h is the home of the "
          "recipient, where the lookup knows one."),
      choice<Newline>(
          "spool.newline", "lf|crlf", "lf", {{"lf", Newline::kLf}, {"crlf", Newline::kCrlf}},
          [](C & c) -> auto& { return c.spool.newline; }, "How the lines of stored messages end."),
      choice<DeliveredTo>(
          "spool.delivered-to", "auto|always|never", "auto",
          {{"auto", DeliveredTo::kAuto},
           {"always", DeliveredTo::kAlways},
           {"never", DeliveredTo::kNever}},
          [](C & c) -> auto& { return c.spool.delivered_to; },
          "Whether a Delivered-To: line is added. auto: where the transaction has one "
          "recipient; several then share one file."),
      choice<Sync>(
          "spool.sync", "auto|plain", "auto", {{"auto", Sync::kAuto}, {"plain", Sync::kPlain}},
          [](C & c) -> auto& { return c.spool.sync; },
          "How a message is made durable. auto: by one sync for all recipients on filesystems that "
          "are known for it. plain: data, then each mailbox's directory, as everywhere else."),
      choice<FolderEncoding>(
          "spool.folder-encoding", "utf-7|utf-8", "utf-7",
          {{"utf-7", FolderEncoding::kUtf7}, {"utf-8", FolderEncoding::kUtf8}},
          [](C & c) -> auto& { return c.spool.folder_encoding; },
          "How folders with names beyond ASCII are called on disk: utf-7, the modified one of "
          "IMAP, as Dovecot does, or utf-8, as Courier does."),
      {.name = "spool.create-command",
       .type = "COMMAND",
       .defaults = {""},
       .help = "What makes a mailbox that is not there and is to be made, in the place of handoff. "
               "It is parted at blanks, no shell is run, and the mailbox's directory and the "
               "address are added. Empty: handoff makes it.",
       .set = set_create_command},
      share(
          "spool.min-free", "SIZE|N%", parse_size, "1%",
          [](C & c) -> auto& { return c.spool.min_free; },
          "Space that messages leave free on the spool's filesystem, in octets, with K, M or G, or "
          "in per cent of it. Without it MAIL is answered with 452 4.3.1; messages that are being "
          "received are counted in. 0: none is kept."),
      share(
          "spool.min-free-inodes", "NUMBER|N%", parse_number, "1%",
          [](C & c) -> auto& { return c.spool.min_free_inodes; },
          "The same for inodes, which files are made of."),
      ranged(
          "spool.sweep-interval", "DURATION", parse_duration, "6h", "0s", "30d",
          [](C & c) -> auto& { return c.spool.sweep_every; },
          "How often staging and the tmp/ of each mailbox are looked through for what dead "
          "processes left. Also at each start. 0s: only then."),

      {.name = "recipients.lookup",
       .type = "LOOKUP",
       .defaults = {"mailbox"},
       .help = "Who says which recipients exist, and where their mailboxes are: mailbox, any, "
               "passwd, file:PATH, sqlite:PATH?QUERY, postgresql:CONNINFO?QUERY, "
               "mysql:CONNINFO?QUERY, ldap:URL, socketmap:unix:PATH:NAME, "
               "socketmap:tcp:HOST:PORT:NAME or dovecot:PATH. May be given several times: the "
               "first that knows the recipient answers.",
       .set = set_lookup,
       .repeats = true},
      ranged(
          "recipients.lookup-timeout", "DURATION", parse_duration, "10s", "1s", "5m",
          [](C & c) -> auto& { return c.recipients.lookup_timeout; },
          "How long one lookup of one recipient may take before it is answered with 451 4.3.0."),
      ranged(
          "recipients.cache-ttl", "DURATION", parse_duration, "10s", "0s", "1h",
          [](C & c) -> auto& { return c.recipients.cache_ttl; },
          "How long a worker keeps what a lookup in another process said, yes or no. 0: not at "
          "all."),
      {.name = "recipients.domains",
       .type = "DOMAINS",
       .defaults = {},
       .help = "Domains that mail is taken for, parted by blanks; recipients in others are refused "
               "with 550 5.7.1. May be given several times. Without it: any.",
       .set = set_domains,
       .repeats = true,
       .example = "example.org example.net"},
      {.name = "recipients.domain-alias",
       .type = "ALIAS",
       .defaults = {},
       .help = "Another name of a domain: recipients in it are those of the one behind the arrow. "
               "May be given several times.",
       .set = set_domain_alias,
       .repeats = true,
       .example = "example.com -> example.org"},
      text(
          "recipients.default-domain", "DOMAIN", "", domain_fault,
          [](C & c) -> auto& { return c.recipients.default_domain; },
          "The domain of recipients that come without one. Empty: they are refused, but for "
          "postmaster."),
      text(
          "recipients.delimiter", "CHARACTERS", "+", delimiter_fault,
          [](C & c) -> auto& { return c.recipients.delimiter; },
          "What parts user and folder in pat+lists@example.org: any of these. Empty: nothing "
          "does."),
      choice<Case>(
          "recipients.case", "fold|keep", "fold", {{"fold", Case::kFold}, {"keep", Case::kKeep}},
          [](C & c) -> auto& { return c.recipients.fold; },
          "Whether Pat and pat are one recipient. Domains always fold."),
      choice<bool>(
          "recipients.create-folders", "yes|no", "no", {{"yes", true}, {"no", false}},
          [](C & c) -> auto& { return c.recipients.create_folders; },
          "Whether pat+lists@example.org makes the folder lists where pat has none. Otherwise "
          "the message goes to the inbox."),
      ranged(
          "recipients.max-concurrent", "NUMBER", parse_number, "20", "0", "10000",
          [](C & c) -> auto& { return c.recipients.max_concurrent; },
          "Deliveries to one mailbox at a time; more are answered with 451 4.3.2, so that a "
          "mailbox that is stuck does not hold every worker. 0: any number."),
      ranged(
          "recipients.slow-after", "DURATION", parse_duration, "10s", "1s", "1h",
          [](C & c) -> auto& { return c.recipients.slow_after; },
          "A delivery that takes longer than this to put into a mailbox was slow."),
      ranged(
          "recipients.slow-limit", "NUMBER", parse_number, "3", "0", "1000",
          [](C & c) -> auto& { return c.recipients.slow_limit; },
          "So many slow deliveries to a mailbox in a row, and for recipients.slow-pause it is "
          "answered with 451 4.4.5 at once. 0: it never is."),
      ranged(
          "recipients.slow-pause", "DURATION", parse_duration, "1m", "1s", "1d",
          [](C & c) -> auto& { return c.recipients.slow_pause; },
          "How long that is. Then one delivery shows whether the mailbox is still slow."),

      ranged(
          "delivery.first-uid", "NUMBER", parse_number, "1000", "1", "4294967294",
          [](C & c) -> auto& { return c.delivery.first_uid; },
          "The lowest uid that mail is delivered as where mailboxes belong to their users. Those "
          "of users below it are put off with 451."),
      ranged(
          "delivery.timeout", "DURATION", parse_duration, "30s", "1s", "1h",
          [](C & c) -> auto& { return c.delivery.timeout; },
          "How long one delivery to a mailbox of another user may take. Then it is given up and "
          "the recipient is put off with 451; others go on."),

      ranged(
          "quota.size", "SIZE", parse_size, "0", "0", "1048576G",
          [](C & c) -> auto& { return c.quota.size; },
          "How many octets a mailbox may hold, where the lookup does not say. 0: any number."),
      ranged(
          "quota.messages", "NUMBER", parse_number, "0", "0", "1000000000",
          [](C & c) -> auto& { return c.quota.messages; },
          "How many messages a mailbox may hold, where the lookup does not say. 0: any number."),
      choice<QuotaOver>(
          "quota.over", "defer|bounce", "defer",
          {{"defer", QuotaOver::kDefer}, {"bounce", QuotaOver::kBounce}},
          [](C & c) -> auto& { return c.quota.over; },
          "What becomes of a message that a full mailbox has no room for. defer: it is asked to "
          "be sent again (452 4.2.2). bounce: it is refused (552 5.2.2)."),
      {.name = "quota.warn-at",
       .type = "PERCENTAGES",
       .defaults = {"80 95"},
       .help = "How full a mailbox becomes when quota.warn-command is run, in percent, rising and "
               "parted by blanks.",
       .set = set_warn_at},
      {.name = "quota.warn-command",
       .type = "COMMAND",
       .defaults = {""},
       .help = "What is run when a message has made a mailbox fuller than one of quota.warn-at. It "
               "is parted at blanks, no shell is run, and the percentage and the address are "
               "added. Empty: nothing.",
       .set = set_warn_command},

      choice<bool>(
          "duplicates.guard", "on|off", "on", {{"on", true}, {"off", false}},
          [](C & c) -> auto& { return c.duplicates.guard; },
          "Whether a message that comes again because its replies were not read is recognised and "
          "not delivered twice."),
      ranged(
          "duplicates.window", "DURATION", parse_duration, "5d", "1m", "90d",
          [](C & c) -> auto& { return c.duplicates.window; },
          "How long such a message is remembered: as long as a queue manager tries."),

      text(
          "tls.certificate", "FILE", "", tls_file_fault,
          [](C & c) -> auto& { return c.tls.certificate; },
          "The certificate for TLS, with its chain, in PEM. With it STARTTLS is offered to TCP "
          "clients. Read before the workers become user. Empty: no TLS."),
      text(
          "tls.key", "FILE", "", tls_file_fault, [](C & c) -> auto& { return c.tls.key; },
          "The private key of tls.certificate, in PEM, without a passphrase. Only the master has "
          "to be able to read it. Empty: it stands in the file of the certificate."),
      choice<bool>(
          "tls.min-version", "1.2|1.3", "1.2", {{"1.2", false}, {"1.3", true}},
          [](C & c) -> auto& { return c.tls.only_1_3; }, "The oldest version of TLS."),
      text(
          "tls.ciphers", "LIST", "", anything, [](C & c) -> auto& { return c.tls.ciphers; },
          "The ciphers of TLS 1.2, as openssl-ciphers(1) has them. Empty: the default of OpenSSL."),
      choice<bool>(
          "tls.required", "yes|no", "no", {{"yes", true}, {"no", false}},
          [](C & c) -> auto& { return c.tls.required; },
          "Whether TCP clients must have begun TLS before they send mail."),
      text(
          "tls.client-ca", "FILE", "", tls_file_fault,
          [](C & c) -> auto& { return c.tls.client_ca; },
          "Certificates, in PEM, that vouch for those of clients. Empty: clients are asked for "
          "none."),
      choice<bool>(
          "tls.trust-clients", "yes|no", "yes", {{"yes", true}, {"no", false}},
          [](C & c) -> auto& { return c.tls.trust_clients; },
          "Whether clients that tls.client-ca vouches for are trusted, as those in trusted are."),

      {.name = "auth.mechanisms",
       .type = "MECHANISMS",
       .defaults = {""},
       .help =
           "SASL mechanisms that AUTH offers to TCP clients, parted by blanks, as SCRAM-SHA-256 "
           "PLAIN EXTERNAL. PLAIN and LOGIN are offered under TLS alone, EXTERNAL to clients "
           "that tls.client-ca vouches for. Empty: no AUTH.",
       .set = set_mechanisms},
      choice<bool>(
          "auth.required", "yes|no", "no", {{"yes", true}, {"no", false}},
          [](C & c) -> auto& { return c.auth.required; },
          "Whether TCP clients must have authenticated before they send mail."),
      text(
          "auth.service", "NAME", "lmtp", service_fault,
          [](C & c) -> auto& { return c.auth.service; },
          "What SASL calls this service, for PAM and Kerberos."),
      text(
          "auth.sasl-path", "DIRECTORY", "", optional_path_fault,
          [](C & c) -> auto& { return c.auth.sasl_path; },
          "Where Cyrus SASL looks for its configuration, handoff.conf. Empty: where it was built "
          "to look."),

      {.name = "dsn.command",
       .type = "COMMAND",
       .defaults = {""},
       .help = "What sends a report of a delivery to a sender who asked for one (NOTIFY=SUCCESS, "
               "RFC 3461), as /usr/sbin/sendmail -i -f <>. It is parted at blanks, no shell is "
               "run, and the sender's address is added. Empty: no reports, and DSN is not offered.",
       .set = set_dsn_command},
      ranged(
          "dsn.timeout", "DURATION", parse_duration, "1m", "1s", "1h",
          [](C & c) -> auto& { return c.dsn.timeout; },
          "How long dsn.command may take before it is killed."),

      choice<LogTo>(
          "log.to", "syslog|stderr", "syslog",
          {{"syslog", LogTo::kSyslog}, {"stderr", LogTo::kStderr}},
          [](C & c) -> auto& { return c.log.to; }, "Where the log goes."),
      choice<LogFormat>(
          "log.format", "text|json", "text",
          {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
          [](C & c) -> auto& { return c.log.format; },
          "How a log line is written: a message with key=value fields, or one JSON object."),
      choice<LogLevel>(
          "log.level", "error|warning|info|debug", "info",
          {{"error", LogLevel::kError},
           {"warning", LogLevel::kWarning},
           {"info", LogLevel::kInfo},
           {"debug", LogLevel::kDebug}},
          [](C & c) -> auto& { return c.log.level; }, "The least important lines that are logged."),
      text(
          "log.facility", "FACILITY", "mail", facility_fault,
          [](C & c) -> auto& { return c.log.facility; }, "The syslog facility."),

      at_start(text(
          "control.socket", "FILE", RUNSTATEDIR "/handoff/control.sock", socket_fault,
          [](C & c) -> auto& { return c.control_socket; },
          "The unix socket that handoffctl talks to the master through.")),

      {.name = "http.listen",
       .type = "HOST:PORT",
       .defaults = {""},
       .help = "Where metrics (/metrics), health (/healthz) and a status page (/) are served, in "
               "plain HTTP to whoever can connect. A port alone is on 127.0.0.1. Empty: nowhere.",
       .set = set_http_listen},
      choice<bool>(
          "http.show-addresses", "yes|no", "no", {{"yes", true}, {"no", false}},
          [](C & c) -> auto& { return c.http.show_addresses; },
          "Whether the status page shows the addresses of mail."),
  };
  return table;
}

// Levenshtein's distance: single characters inserted, removed or replaced.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
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
  for (const auto& setting : settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

std::string_view nearest_setting(std::string_view name) {
  std::string_view best;
  // Further than a third of it is another word.
  std::size_t least = name.size() / 3 + 1;
  for (const auto& setting : settings()) {
    // "newline", or a key below the wrong [section], is meant by its last part.
    auto last = setting.name.substr(setting.name.find('.') + 1);
    std::size_t d = std::min(distance(name, setting.name),
                             distance(name.substr(name.rfind('.') + 1), last) + 1);
    if (d < least) {
      least = d;
      best = setting.name;
    }
  }
  return best;
}

}  // namespace handoff::conf
