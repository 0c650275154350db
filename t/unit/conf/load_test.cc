// Defaults, file and options become settings, or one message that says what to fix.
#include "conf/load.hh"

#include <boost/test/unit_test.hpp>

#include "conf/file.hh"
#include "conf/settings.hh"
#include "lookup_settings.hh"

using namespace handoff::conf;

namespace {

Settings from_text(std::string_view text) { return combine(read_text(text, "/etc/h.conf"), {}); }

// Returns the error message from loading `text`.
std::string fault(std::string_view text) {
  try {
    from_text(text);
  } catch (const ConfigError& e) {
    BOOST_TEST(e.exit_code() == EX_CONFIG);
    return e.what();
  }
  return "";
}

Assignment option(std::string key, std::string value) {
  return {std::move(key), std::move(value), Assignment::Source::kOption};
}

std::string fault_of_options(const std::vector<Assignment>& options) {
  try {
    combine({}, options);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

// The optional parts of this build.
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

}  // namespace

BOOST_AUTO_TEST_SUITE(conf_load)

BOOST_AUTO_TEST_CASE(defaults_are_those_of_the_manual) {
  Config c = from_text("").config;
  BOOST_TEST(!c.hostname.empty());
  BOOST_TEST(c.listen.size() == 1u);
  BOOST_TEST(c.listen.front().text() == "unix:" RUNSTATEDIR "/handoff/lmtp.sock");
  BOOST_TEST(c.allow.size() == 2u);
  BOOST_TEST(c.allow[0].contains(*handoff::parse_ip("127.8.9.10")));
  BOOST_TEST(c.allow[1].contains(*handoff::parse_ip("::1")));
  BOOST_TEST(c.user == "");
  BOOST_TEST(c.socket.mode == 0660u);
  BOOST_TEST(c.socket.backlog == 511u);
  BOOST_TEST(c.workers.max == 64u);
  BOOST_TEST(c.workers.min_idle == 2u);
  BOOST_TEST(c.workers.max_idle == 16u);
  BOOST_TEST(c.workers.max_transactions == 10000u);
  BOOST_TEST(c.session.max_message_size == 50u << 20);
  BOOST_TEST(c.session.max_recipients == 1000u);
  BOOST_TEST(c.session.max_errors == 20u);
  BOOST_CHECK(c.session.command_timeout == std::chrono::minutes(5));  // S13
  BOOST_CHECK(c.session.data_timeout == std::chrono::minutes(5));
  BOOST_CHECK(c.session.transaction_timeout == std::chrono::hours(1));
  BOOST_CHECK(c.protocol.bare_newlines == BareNewlines::kKeep);
  BOOST_TEST(!c.protocol.lenient_newlines);
  BOOST_TEST(!c.protocol.lenient_addresses);
  BOOST_TEST(c.protocol.max_delivered_to == 5u);
  BOOST_TEST(c.spool.path == LOCALSTATEDIR "/spool/handoff");
  BOOST_TEST(c.spool.layout == "%d/%n");
  BOOST_CHECK(c.spool.newline == Newline::kLf);
  BOOST_CHECK(c.spool.delivered_to == handoff::DeliveredTo::kAuto);
  BOOST_TEST(c.recipients.lookups.front().kind.name == "mailbox");
  BOOST_TEST(c.recipients.delimiter == "+");
  BOOST_CHECK(c.recipients.fold == Case::kFold);
  BOOST_CHECK(c.log.to == LogTo::kSyslog);
  BOOST_CHECK(c.log.level == handoff::sys::Level::kInfo);
  BOOST_TEST(c.log.facility == "mail");
  BOOST_TEST(c.control_socket == RUNSTATEDIR "/handoff/control.sock");
}

BOOST_AUTO_TEST_CASE(a_file_consists_of_keys_sections_and_comments) {
  Config c = from_text(
                 "# first\n"
                 "hostname = mx.example.org   # at the end\r\n"
                 "\n"
                 "session.max-errors=5\n"
                 "listen = unix:/a\n"
                 "listen = tcp:[::1]:24\n"
                 " [spool] # of mail\n"
                 "\tpath = /srv/mail\n"
                 "newline = crlf\n"
                 "[recipients]\n"
                 "delimiter =\n"
                 "case = keep")
                 .config;
  BOOST_TEST(c.hostname == "mx.example.org");
  BOOST_TEST(c.session.max_errors == 5u);
  BOOST_TEST(c.listen.size() == 2u);
  BOOST_TEST(c.listen[1].text() == "tcp:[::1]:24");
  BOOST_TEST(c.spool.path == "/srv/mail");
  BOOST_CHECK(c.spool.newline == Newline::kCrlf);
  BOOST_TEST(c.recipients.delimiter == "");
  BOOST_CHECK(c.recipients.fold == Case::kKeep);
}

BOOST_AUTO_TEST_CASE(the_message_about_a_wrong_value_names_file_line_key_and_allowed_values) {
  BOOST_TEST(fault("\n\nspool.newline = unix\n") ==
             "/etc/h.conf:3: spool.newline = unix: must be lf or crlf");
  BOOST_TEST(fault("[spool]\n# a\nnewline=unix") ==
             "/etc/h.conf:3: spool.newline = unix: must be lf or crlf");
  BOOST_TEST(fault("workers.max = 0") == "/etc/h.conf:1: workers.max = 0: must be 1 to 10000");
  BOOST_TEST(
      fault("session.max-message-size = 1T") ==
      "/etc/h.conf:1: session.max-message-size = 1T: must be 1K to 1024G, written as octets, or "
      "with K, M or G: 65536, 500K, 50M");
  BOOST_TEST(
      fault("session.max-message-size = 50MB").ends_with("with K, M or G: 65536, 500K, 50M"));
  BOOST_TEST(
      fault("session.data-timeout = 5 minutes") ==
      "/etc/h.conf:1: session.data-timeout = 5 minutes: must be 1s to 1d, written as seconds, "
      "or with s, m, h or d: 90, 90s, 5m, 2h");
  BOOST_TEST(fault("spool.min-free = 5 GB") ==
             "/etc/h.conf:1: spool.min-free = 5 GB: must be 0% to 99%, or a number, written as "
             "octets, or with K, M or G: 65536, 500K, 50M");
  BOOST_TEST(fault("workers.max = many") ==
             "/etc/h.conf:1: workers.max = many: must be 1 to 10000, written as a whole number "
             "without a unit");
  BOOST_TEST(fault("session.data-timeout = 0") ==
             "/etc/h.conf:1: session.data-timeout = 0: must be 1s to 1d");
  BOOST_TEST(fault("log.level = loud") ==
             "/etc/h.conf:1: log.level = loud: must be error, warning, info or debug");
  BOOST_TEST(fault("spool.path = mail") ==
             "/etc/h.conf:1: spool.path = mail: must be an absolute path");
  BOOST_TEST(fault("allow = 10.0.0.1/8").starts_with("/etc/h.conf:1: allow = 10.0.0.1/8: must be"));
  BOOST_TEST(fault("hostname =").starts_with("/etc/h.conf:1: hostname = : must be a host name"));
}

// L8, RFC 2033 section 5.
BOOST_AUTO_TEST_CASE(port_25_is_refused_and_the_message_names_the_rfc_L8) {
  for (auto endpoint : {"tcp:127.0.0.1:25", "tcp:[::1]:25", "tcp:localhost:025"}) {
    BOOST_TEST(fault("listen = " + std::string(endpoint)) ==
               "/etc/h.conf:1: listen = " + std::string(endpoint) +
                   ": must not be port 25: RFC 2033 section 5 forbids it; 24 is usual");
  }
  BOOST_TEST(fault("listen = tcp:127.0.0.1:24\n") == "");
  BOOST_TEST(fault("listen = unix:/run/25\n") == "");
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_an_absolute_path_or_host_and_port) {
  for (auto endpoint : {"unix:lmtp.sock", "unix:", "/run/lmtp.sock", "tcp:24", "tcp:::1:24",
                        "tcp:localhost:0", "tcp:localhost:65536", "tcp:localhost:lmtp"}) {
    BOOST_TEST(fault("listen = " + std::string(endpoint)).find("must be unix:/PATH") !=
               std::string::npos);
  }
  BOOST_TEST(fault("listen = unix:/a\nlisten = unix:/a") ==
             "/etc/h.conf:2: listen = unix:/a: is listed twice");
}

// RFC 5321 4.5.3.1.8
BOOST_AUTO_TEST_CASE(fewer_than_a_hundred_recipients_cannot_be_set) {
  BOOST_TEST(fault("session.max-recipients = 99") ==
             "/etc/h.conf:1: session.max-recipients = 99: must be 100 to 100000");
  BOOST_TEST(from_text("session.max-recipients = 100").config.session.max_recipients == 100u);
}

BOOST_AUTO_TEST_CASE(a_misspelt_key_names_the_nearest_one) {
  BOOST_TEST(fault("\nspool.newlin = lf") ==
             "/etc/h.conf:2: spool.newlin: no such setting; did you mean spool.newline?");
  BOOST_TEST(fault("[sesion.x]\n") ==
             "/etc/h.conf:1: [sesion.x]: no such section; did you mean [session]?");
  BOOST_TEST(fault("[worker]") ==
             "/etc/h.conf:1: [worker]: no such section; did you mean [workers]?");
  BOOST_TEST(fault("[frobnicate]") ==
             "/etc/h.conf:1: [frobnicate]: no such section; sections are the parts of a setting's "
             "name before the dot, such as [spool]");
  BOOST_TEST(fault("worker.max = 3") ==
             "/etc/h.conf:1: worker.max: no such setting; did you mean workers.max?");
  BOOST_TEST(fault("newline = lf") ==
             "/etc/h.conf:1: newline: no such setting; did you mean spool.newline?");
  BOOST_TEST(fault("quux.frobnicate = lf") == "/etc/h.conf:1: quux.frobnicate: no such setting");
  BOOST_TEST(fault("Hostname = a").ends_with("did you mean hostname?"));
}

BOOST_AUTO_TEST_CASE(the_message_about_a_key_in_the_wrong_section_names_its_line) {
  BOOST_TEST(fault("[session]\nspool.path = /a") ==
             "/etc/h.conf:2: session.spool.path: no such setting; put spool.path above the first "
             "[section]");
  BOOST_TEST(fault("[session]\nhostname = a") ==
             "/etc/h.conf:2: session.hostname: no such setting; put hostname above the first "
             "[section]");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_not_an_assignment_is_refused) {
  BOOST_TEST(fault("user mail") ==
             "/etc/h.conf:1: user mail: must be KEY = VALUE, [SECTION], or a # comment");
  BOOST_TEST(fault("= x").find("no such setting") != std::string::npos);
  BOOST_TEST(fault("[]\n").starts_with("/etc/h.conf:1: []: no such section"));
  BOOST_TEST(fault(std::string_view("user = a\0b\n", 11)) == "/etc/h.conf:1: a NUL octet");
  BOOST_TEST(fault("user = a\x1b[31m\n").find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_message_about_a_setting_given_twice_names_both_lines) {
  BOOST_TEST(fault("spool.newline = lf\n[spool]\nnewline = lf") ==
             "/etc/h.conf:3: spool.newline = lf: already set in line 1");
}

BOOST_AUTO_TEST_CASE(an_option_overrides_the_file_and_replaces_its_lists) {
  auto file = read_text("listen = unix:/a\nlisten = unix:/b\nworkers.max = 32\n", "f");
  Config c = combine(file, {option("listen", "unix:/c"), option("workers.max", "33")}).config;
  BOOST_TEST(c.listen.size() == 1u);
  BOOST_TEST(c.listen[0].path == "/c");
  BOOST_TEST(c.workers.max == 33u);
  c = combine(file, {option("listen", "unix:/c"), option("listen", "unix:/d")}).config;
  BOOST_TEST(c.listen.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_file_replaces_the_default_list) {
  Config c = from_text("allow = 192.0.2.0/24").config;
  BOOST_TEST(c.allow.size() == 1u);
  BOOST_TEST(!c.allow[0].contains(*handoff::parse_ip("127.0.0.1")));
}

BOOST_AUTO_TEST_CASE(a_wrong_option_is_named_as_an_option) {
  BOOST_TEST(fault_of_options({option("spool.newline", "unix")}) ==
             "option --spool.newline: unix: must be lf or crlf");
  BOOST_TEST(fault_of_options({option("user", "a"), option("user", "b")}) ==
             "option --user: b: given twice");
  BOOST_TEST(fault_of_options({option("spool.path", "/a#b")})
                 .starts_with("option --spool.path: /a#b: must not contain #"));
  BOOST_TEST(fault_of_options({option("spool.path", "/a ")}) != "");
}

BOOST_AUTO_TEST_CASE(worker_numbers_that_contradict_each_other_are_refused) {
  BOOST_TEST(fault("workers.max = 8\nworkers.max-idle = 9") ==
             "/etc/h.conf:2: workers.max-idle = 9: must be at most workers.max, which is 8");
  BOOST_TEST(fault("workers.min-idle = 5\nworkers.max-idle = 4") ==
             "/etc/h.conf:1: workers.min-idle = 5: must be at most workers.max-idle, which is 4");
  BOOST_TEST(fault("workers.min-idle = 5\nworkers.max = 4") ==
             "/etc/h.conf:1: workers.min-idle = 5: must be at most workers.max, which is 4");
}

BOOST_AUTO_TEST_CASE(settings_override_the_defaults_for_workers) {
  auto numbers = [](std::string_view text) {
    auto s = from_text(text);
    const auto& w = s.config.workers;
    BOOST_TEST(s.values.at("workers.max-idle").front().value == std::to_string(w.max_idle));
    BOOST_TEST(s.values.at("workers.min-idle").front().value == std::to_string(w.min_idle));
    return std::vector<unsigned>{w.min_idle, w.max_idle, w.max};
  };
  BOOST_CHECK((numbers("workers.max = 1") == std::vector<unsigned>{1, 1, 1}));
  BOOST_CHECK((numbers("workers.max = 8") == std::vector<unsigned>{2, 8, 8}));
  BOOST_CHECK((numbers("workers.min-idle = 20") == std::vector<unsigned>{20, 20, 64}));
  BOOST_CHECK((numbers("workers.min-idle = 80") == std::vector<unsigned>{80, 80, 80}));
  BOOST_CHECK((numbers("workers.max-idle = 1") == std::vector<unsigned>{1, 1, 64}));
  BOOST_CHECK((numbers("workers.max-idle = 100") == std::vector<unsigned>{2, 100, 100}));
}

BOOST_AUTO_TEST_CASE(the_control_socket_must_differ_from_the_listening_ones) {
  BOOST_TEST(fault("listen = unix:" RUNSTATEDIR "/handoff/control.sock") ==
             "control.socket = " RUNSTATEDIR
             "/handoff/control.sock: must not be one of the sockets "
             "of listen");
}

BOOST_AUTO_TEST_CASE(the_error_about_an_unknown_lookup_lists_the_known_ones) {
  BOOST_TEST(fault("recipients.lookup = telepathy:x") ==
             "/etc/h.conf:1: recipients.lookup = telepathy:x: no such lookup, it must be mailbox, "
             "any, passwd, file, sqlite, postgresql, mysql, ldap, socketmap or dovecot");
  BOOST_TEST(fault("recipients.lookup = pgsql:dbname=x?SELECT %u") ==
             "/etc/h.conf:1: recipients.lookup = pgsql:dbname=x?SELECT %u: no such lookup; did you "
             "mean postgresql:CONNINFO?QUERY?");
  BOOST_TEST(fault("recipients.lookup = mailboxes").ends_with("did you mean mailbox?"));
}

BOOST_AUTO_TEST_CASE(several_lookups_keep_their_order) {
  auto lookups = from_text("recipients.lookup = passwd\nrecipients.lookup = dovecot:/run/x")
                     .config.recipients.lookups;
  BOOST_REQUIRE(lookups.size() == 2u);
  BOOST_TEST(lookups[0].kind.name == "passwd");
  BOOST_TEST(lookups[1].kind.name == "dovecot");
  BOOST_TEST(lookups[1].argument == "/run/x");
  BOOST_TEST(lookups[1].origin == "/etc/h.conf:2");
}

BOOST_AUTO_TEST_CASE(a_lookup_needs_the_arguments_after_its_name) {
  for (std::string wrong :
       {"passwd:x", "file", "file:relative", "dovecot", "socketmap:unix:/x",
        "socketmap:tcp:h:", "socketmap:/x:n", "sqlite:/x.db", "sqlite:x.db?SELECT 1",
        "postgresql:dbname=x", "mysql:?SELECT 1", "ldap:example.org"}) {
    BOOST_TEST(!fault("recipients.lookup = " + wrong).empty(), wrong);
  }
  for (std::string fits : {"socketmap:unix:/x:n", "socketmap:tcp:127.0.0.1:24:n"}) {
    BOOST_TEST(from_text("recipients.lookup = " + fits).config.recipients.lookups.size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(domains_are_listed_in_any_script_and_case) {
  auto domains =
      from_text("recipients.domains = Example.org  example.net\nrecipients.domains = x.example")
          .config.recipients.domains;
  BOOST_TEST((domains == std::vector<std::string>{"example.org", "example.net", "x.example"}));
  BOOST_TEST(!fault("recipients.domains = pat@example.org").empty());
}

BOOST_AUTO_TEST_CASE(a_domain_alias_with_an_invalid_domain_is_refused) {
  const std::string kAlias = "recipients.domain-alias = ";
  auto aliases = from_text(kAlias + "Example.com -> example.ORG").config.recipients.domain_aliases;
  BOOST_TEST(aliases.at("example.com") == "example.org");
  for (std::string wrong :
       {"example.com", "a.example -> ", "-> a.example", "a b -> c", "a.example -> a.example"}) {
    BOOST_TEST(!fault(kAlias + wrong).empty(), wrong);
  }
  BOOST_TEST(!fault(kAlias + "a.x -> b.x\n" + kAlias + "b.x -> c.x").empty());
  BOOST_TEST(!fault(kAlias + "a.x -> b.x\n" + kAlias + "c.x -> a.x").empty());
  BOOST_TEST(!fault(kAlias + "a.x -> b.x\n" + kAlias + "a.x -> c.x").empty());
}

BOOST_AUTO_TEST_CASE(a_delimiter_is_punctuation) {
  for (std::string fits : {"", "+", "+-", "."}) {
    BOOST_TEST(from_text("recipients.delimiter = " + fits).config.recipients.delimiter == fits);
  }
  for (std::string wrong : {"a", "/", "@", "+ -", "\\", "\xc3\xbc"}) {
    BOOST_TEST(fault("recipients.delimiter = " + wrong)
                   .ends_with("must be empty or punctuation, such as +"));
  }
}

// spool/sweep.hh removes files that are older than 36 hours, so no transaction may take longer.
BOOST_AUTO_TEST_CASE(transaction_timeout_is_shorter_than_the_age_of_swept_files) {
  BOOST_TEST(fault("session.transaction-timeout = 2d") ==
             "/etc/h.conf:1: session.transaction-timeout = 2d: must be 1s to 1d");
}

BOOST_AUTO_TEST_CASE(the_output_of_dump_loads_to_the_same_settings) {
  for (auto text : {"",
                    "user = mail\nlisten = tcp:[::1]:24\nlisten = unix:/a\nworkers.max = 1\n"
                    "recipients.delimiter =\nspool.layout = %2d/%d/%n\n"
                    "session.max-message-size = 10K\nhostname = a.example"}) {
    auto once = from_text(text);
    auto printed = dump(once, {.secrets = true});
    auto twice = from_text(printed);
    BOOST_TEST(dump(twice, {.secrets = true}) == printed);
    for (const auto& [key, values] : once.values) {
      BOOST_TEST(twice.values.at(key).size() == values.size());
      BOOST_TEST(twice.values.at(key).front().value == values.front().value);
    }
    for (const auto& setting : settings()) {
      if (!once.values.contains(setting.name)) continue;  // a setting without a value
      BOOST_TEST(printed.find(std::string(setting.name) + " =") != std::string::npos, setting.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_changed_setting_that_needs_a_restart_is_named) {
  auto before = from_text("");
  BOOST_TEST(need_restart(before, from_text("workers.max = 3")).empty());
  auto names = need_restart(before, from_text("user = mail\npid-file = /x\nlog.level = debug"));
  BOOST_REQUIRE(names.size() == 2u);
  BOOST_TEST(names[0] == "user");
  BOOST_TEST(names[1] == "pid-file");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_named_with_the_cause) {
  BOOST_CHECK_EXCEPTION(read_file("/nonexistent/h.conf"), ConfigError, [](const ConfigError& e) {
    return std::string(e.what()) == "/nonexistent/h.conf: No such file or directory";
  });
  BOOST_CHECK_EXCEPTION(read_file("/"), ConfigError, [](const ConfigError& e) {
    return std::string(e.what()) == "/: Is a directory";
  });
}

BOOST_AUTO_TEST_CASE(a_layout_in_homes_needs_lookups_that_know_homes) {
  std::string layout = "[spool]\nlayout = %h/Maildir\n";
  for (std::string lookup : {"mailbox", "any"}) {
    BOOST_TEST(fault(layout + "[recipients]\nlookup = passwd\nlookup = " + lookup) ==
               "/etc/h.conf:2: spool.layout = %h/Maildir: begins with %h, the home that a lookup "
               "knows, and "
               "recipients.lookup = " +
                   lookup + " knows none");
  }
  BOOST_TEST(!fault(layout).empty());
  BOOST_TEST(from_text(layout + "[recipients]\nlookup = passwd").config.spool.layout ==
             "%h/Maildir");
}

BOOST_AUTO_TEST_CASE(x10_settings_that_need_a_certificate_are_refused_without_one) {
  BOOST_TEST(fault("tls.required = yes") ==
             "/etc/h.conf:1: tls.required = yes: needs a certificate: set tls.certificate");
  if (!kHasTls) return;
  BOOST_TEST(fault("tls.key = /k") ==
             "/etc/h.conf:1: tls.key = /k: needs a certificate: set tls.certificate");
  BOOST_TEST(fault("tls.client-ca = /c") ==
             "/etc/h.conf:1: tls.client-ca = /c: needs a certificate: set tls.certificate");
  BOOST_TEST(fault("listen = tls:[::1]:2424") ==
             "/etc/h.conf:1: listen = tls:[::1]:2424: needs a certificate: set tls.certificate");
  auto config = from_text("listen = tls:[::1]:2424\ntls.certificate = /c").config;
  BOOST_TEST(config.listen.front().tls);
  BOOST_TEST(config.listen.front().text() == "tls:[::1]:2424");
}

BOOST_AUTO_TEST_CASE(x10_a_port_has_implicit_tls_or_starttls_but_not_both) {
  if (!kHasTls) return;
  auto both = "tls.certificate = /c\nlisten = tcp:127.0.0.1:24\nlisten = tls:127.0.0.2:24";
  BOOST_TEST(fault(both).ends_with("tls:127.0.0.2:24: must have a port that no tcp: endpoint has"));
}

BOOST_AUTO_TEST_CASE(x11_names_of_mechanisms_are_accepted_in_any_case) {
  BOOST_TEST(fault("auth.required = yes") ==
             "/etc/h.conf:1: auth.required = yes: needs mechanisms: set auth.mechanisms, such as "
             "SCRAM-SHA-256");
  BOOST_TEST(!fault("auth.mechanisms = PLAIN,LOGIN").empty());
  if (!kHasSasl) return;
  auto config = from_text("auth.mechanisms = scram-sha-256  Plain").config;
  BOOST_REQUIRE(config.auth.mechanisms.size() == 2u);
  BOOST_TEST(config.auth.mechanisms[0] == "SCRAM-SHA-256");
  BOOST_TEST(config.auth.mechanisms[1] == "PLAIN");
}

BOOST_AUTO_TEST_CASE(x8_the_command_of_reports_is_split_on_spaces) {
  auto config = from_text("dsn.command = /usr/sbin/sendmail  -i -f <>").config;
  std::vector<std::string> wanted{"/usr/sbin/sendmail", "-i", "-f", "<>"};
  BOOST_TEST(config.dsn.command == wanted, boost::test_tools::per_element());
  BOOST_TEST(config.dsn.timeout.count() == 60);
  BOOST_TEST(fault("dsn.command = sendmail -i") ==
             "/etc/h.conf:1: dsn.command = sendmail -i: must be empty, or begin with the absolute "
             "path of a program");
}

BOOST_AUTO_TEST_CASE(parts_that_the_build_lacks_cannot_be_configured) {
#ifndef HAVE_OPENSSL
  BOOST_TEST(fault("tls.certificate = /c").ends_with("built without OpenSSL"));
  BOOST_TEST(fault("listen = tls:[::1]:2424").ends_with("built without OpenSSL"));
#endif
#ifndef HAVE_SASL
  BOOST_TEST(fault("auth.mechanisms = PLAIN").ends_with("built without Cyrus SASL"));
#endif
  BOOST_TEST(fault("tls.certificate =") == "");
}

BOOST_AUTO_TEST_CASE(passwords_are_in_no_message_and_no_dump_unless_they_are_asked_for) {
  const std::string kLookup =
      "recipients.lookup = mysql:host=db user=mail password='se cret' dbname=m";
  BOOST_TEST(fault(kLookup).find("cret") == std::string::npos);
  BOOST_TEST(fault(kLookup).find("password=***") != std::string::npos);
  auto settings = from_text(kLookup + "?SELECT %u");
  auto hidden = dump(settings, {});
  BOOST_TEST(hidden.find("cret") == std::string::npos);
  BOOST_TEST(hidden.find("password=*** dbname=m?SELECT %u\n") != std::string::npos);
  BOOST_TEST(dump(settings, {.secrets = true}).find("password='se cret'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_dump_of_changes_has_only_settings_that_differ_from_their_defaults) {
  auto settings = from_text(
      "workers.max = 8\nspool.newline = lf\nallow = 127.0.0.0/8\nallow = ::1\n"
      "listen = unix:/a");
  BOOST_TEST(dump(settings, {.changed = true}) == "listen = unix:/a\nworkers.max = 8\n");
  BOOST_TEST(dump(from_text(""), {.changed = true}) == "");
}

BOOST_AUTO_TEST_CASE(a_setting_that_needs_a_certificate_is_named_with_its_line) {
  if (fault("listen = tls:[::1]:2424").ends_with("OpenSSL")) return;
  BOOST_TEST(fault("listen = unix:/a\nlisten = tls:[::1]:2424") ==
             "/etc/h.conf:2: listen = tls:[::1]:2424: needs a certificate: set tls.certificate");
  BOOST_TEST(fault("tls.required = yes") ==
             "/etc/h.conf:1: tls.required = yes: needs a certificate: set tls.certificate");
}

BOOST_AUTO_TEST_CASE(an_account_that_does_not_exist_is_named_with_file_line_and_setting) {
  auto config = from_text("\nuser = no-such-user").config;
  BOOST_TEST(config.account().error().describe() ==
             "/etc/h.conf:2: user: no such user: no-such-user");
  config = from_text("user = root\ngroup = no-such-group").config;
  BOOST_TEST(config.account().error().describe() ==
             "/etc/h.conf:2: group: no such group: no-such-group");
}

BOOST_AUTO_TEST_SUITE_END()
