// The settings that are passed to a worker.
#include "conf/copy.hh"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/netstring.hh"
#include "conf/file.hh"
#include "lookup_settings.hh"

using namespace handoff;
using namespace handoff::conf;

namespace {

Settings load(const std::string& text) {
  return combine(read_text(text, "/h.conf"), {{"workers.max", "7", Assignment::Source::kOption}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conf_copy)

BOOST_AUTO_TEST_CASE(a_copy_has_the_same_values_in_the_same_places) {
  auto settings = load(
      "hostname = mail.example.org\nlisten = unix:/run/a.sock\nlisten = tcp:127.0.0.1:2424\n"
      "recipients.lookup = mailbox\n[spool]\nnewline = crlf\n");
  auto copy = unpack_settings(pack(settings), recipients::parse_copied_lookup);
  BOOST_TEST(dump(copy, {.secrets = true}) == dump(settings, {.secrets = true}));
  BOOST_TEST(copy.config.listen.size() == 2U);
  BOOST_TEST(copy.config.workers.max == 7U);
  BOOST_TEST((copy.config.origins == settings.config.origins));
  BOOST_TEST(copy.config.origins.at("spool.newline") == "/h.conf:6");
  BOOST_TEST(copy.config.recipients.lookups.front().origin == "/h.conf:4");
}

BOOST_AUTO_TEST_CASE(a_copy_contains_only_the_kind_of_a_lookup_in_a_server) {
  auto settings = load(
      "recipients.lookup = file:/etc/users\n"
      "recipients.lookup = postgresql:host=db.example password=secret?SELECT 1 WHERE %u\n"
      "recipients.lookup = ldap://pat:secret@example.org/\n");
  auto octets = pack(settings);
  for (const auto* word : {"secret", "db.example", "SELECT"}) {
    BOOST_TEST(octets.find(word) == octets.npos);
  }
  auto copy = unpack_settings(octets, recipients::parse_copied_lookup);
  const auto& lookups = copy.config.recipients.lookups;
  BOOST_REQUIRE(lookups.size() == 3U);
  BOOST_TEST(lookups[0].argument == "/etc/users");
  BOOST_TEST(lookups[1].kind.name == "postgresql");
  BOOST_TEST(lookups[1].kind.apart());
  BOOST_TEST(lookups[1].argument == "");
  BOOST_TEST(lookups[1].origin == "/h.conf:2");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_a_copy_is_refused) {
  auto octets = pack(load("hostname = a.example\n"));
  for (const auto& wrong :
       {octets.substr(1), octets.substr(0, octets.size() - 1), octets + "1:x,", std::string("x")}) {
    BOOST_CHECK_THROW(unpack_settings(wrong, recipients::parse_copied_lookup), ConfigError);
  }
}

BOOST_AUTO_TEST_CASE(netstrings_are_read_back_unchanged) {
  std::string all;
  for (auto part : {std::string("a"), std::string(), std::string("1:b,\0\n", 6)}) {
    add_netstring(all, part);
  }
  Netstrings parts(all);
  BOOST_TEST(parts.next() == "a");
  BOOST_TEST(parts.next() == "");
  BOOST_TEST(parts.next() == std::string("1:b,\0\n", 6));
  BOOST_TEST((parts.good() && parts.at_end()));
  parts.next();
  BOOST_TEST(!parts.good());
  for (const auto* wrong : {"1:a", "2:a,", "x:a,", ":,", "1a,", "99999999999999999999:a,"}) {
    Netstrings none(wrong);
    none.next();
    BOOST_TEST(!none.good(), wrong);
  }
}

BOOST_AUTO_TEST_CASE(settings_that_forget_their_secrets_are_those_of_a_copy) {
  auto settings = load(
      "recipients.lookup = file:/etc/users\n"
      "recipients.lookup = postgresql:host=db.example password=secret?SELECT 1 WHERE %u\n"
      "recipients.lookup = passwd\n");
  auto copy = unpack_settings(pack(settings), recipients::parse_copied_lookup);
  forget_secrets(settings);
  BOOST_TEST(dump(settings, {.secrets = true}) == dump(copy, {.secrets = true}));
  BOOST_TEST(dump(settings, {.secrets = true}).find("secret") == std::string::npos);
  BOOST_TEST(settings.config.recipients.lookups[0].argument == "/etc/users");
  BOOST_TEST(settings.config.recipients.lookups[1].argument.empty());
  std::vector<Assignment> options{{"recipients.lookup", "mysql:password=secret?SELECT %u"},
                                  {"hostname", "kept"}};
  forget_secrets(options);
  BOOST_TEST(options[0].value.empty());
  BOOST_TEST(options[1].value == "kept");
}

BOOST_AUTO_TEST_SUITE_END()
