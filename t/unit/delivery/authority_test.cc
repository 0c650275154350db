// Requests that the delivery process refuses even if it cannot check the mailbox itself, because
// only workers ask that lookup.
#include "delivery/authority.hh"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "conf/file.hh"
#include "lookup_settings.hh"
#include "recipients/resolver.hh"
#include "recipients/table.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::delivery;

namespace {

struct Place {
  TemporaryDirectory place;
  sys::Files files;
  sys::Fd spool = files.open_root(place.path()).value();
  conf::Config config =
      conf::combine(conf::read_text("recipients.lookup = socketmap:unix:/run/x:users\n"
                                    "session.max-message-size = 1K\n",
                                    "/h.conf"),
                    {})
          .config;
  std::unique_ptr<Authority> authority = Authority::make(config, files, {}, ::geteuid()).value();

  Request request(uid_t uid, gid_t gid) {
    Request out;
    out.verb = Verb::kInspect;
    out.mailbox = {"Maildir", "", "pat@example.org"};
    out.mailbox.base = "/home/pat";
    out.mailbox.owner = MailboxOwner{uid, gid};
    return out;
  }
  std::string refusal(const Request& asked, const sys::Fd& staged = {}) {
    auto allowed = authority->allows(asked, spool, staged);
    if (allowed) return "";
    BOOST_TEST(allowed.error().code == EPERM);
    return allowed.error().describe();
  }
  std::string refusal_of_staged(std::size_t size) {
    place.make(".handoff/staging");
    place.write(".handoff/staging/name", std::string(size, 'x'));
    auto staging = files.open_directory(spool, ".handoff/staging").value();
    auto asked = request(1000, 1000);
    asked.verb = Verb::kDeliver;
    asked.name = "name";
    asked.size = size;
    return refusal(asked, files.open_file(staging, "name").value());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(delivery_authority)

BOOST_AUTO_TEST_CASE(no_mail_is_delivered_as_a_system_user_or_group) {
  Place place;
  BOOST_TEST(place.refusal(place.request(1000, 1000)) == "");
  BOOST_TEST(place.refusal(place.request(999, 1000)).find("delivery.first-uid") !=
             std::string::npos);
  // root, disk and docker, as many systems number them.
  for (gid_t gid : {0u, 6u, 999u}) {
    BOOST_TEST(place.refusal(place.request(1000, gid)).find("delivery.first-gid") !=
               std::string::npos);
  }
  place.config.delivery.first_gid = 100;
  BOOST_TEST(place.refusal(place.request(1000, 100)) == "");
}

// An attacker who controls the worker chooses each field of the mailbox.
BOOST_AUTO_TEST_CASE(only_scripts_are_opened_for_a_mailbox_of_a_lookup_that_only_workers_ask) {
  Place place;
  place.config.sieve.enabled = true;
  auto refusal = [&](Verb verb, const std::string& script, const std::string& path) {
    auto asked = place.request(1000, 1000);
    asked.verb = verb;
    asked.mailbox.home = "/home/pat";
    asked.mailbox.script = script;
    asked.path = path;
    return place.refusal(asked);
  };
  auto at_home = [](const std::string& name) { return "/home/pat/" + name; };
  const std::string no_script =
      "the name of a script from a database, directory or map must end in .sieve";
  for (auto verb : {Verb::kOpenScript, Verb::kWriteNote}) {
    std::string suffix(verb == Verb::kWriteNote ? kNoteSuffix : "");
    for (const std::string name :
         {"Maildir/new/1764000000.M1P2Q3R4.host", ".ssh/id_ed25519", "x.sieve/"}) {
      BOOST_TEST(refusal(verb, name, at_home(name) + suffix) == no_script);
      BOOST_TEST(refusal(verb, at_home(name), at_home(name) + suffix) == no_script);
    }
    BOOST_TEST(refusal(verb, "rules/own.sieve", at_home("rules/own.sieve") + suffix) == "");
    BOOST_TEST(refusal(verb, "", at_home(".dovecot.sieve") + suffix) == "");
    BOOST_TEST(refusal(verb, "", at_home(".profile") + suffix) != "");
  }
  BOOST_TEST(refusal(Verb::kOpenScript, "", at_home("sieve/lists.sieve")) == "");
  for (const std::string name : {"sieve/notes", "sieve/../x.sieve", "sieve/a/b.sieve", "x.sieve"}) {
    BOOST_TEST(refusal(Verb::kOpenScript, "", at_home(name)) != "", name);
  }
}

BOOST_AUTO_TEST_CASE(a_script_from_a_table_is_opened_whatever_its_name_is) {
  Place place;
  place.place.write("table",
                    "pat@example.org home=/home/pat uid=1000 gid=1000 sieve=rules/active\n");
  auto config = conf::combine(conf::read_text("recipients.lookup = file:" + place.place.path() +
                                                  "/table\nspool.layout = %h/Maildir\n"
                                                  "sieve.enabled = yes\n",
                                              "/h.conf"),
                              {})
                    .config;
  auto tables = recipients::load_tables(config.recipients.lookups,
                                        recipients::fold_whole(config.recipient_rules()));
  BOOST_REQUIRE(tables.ok());
  auto authority = Authority::make(config, place.files, tables.value(), ::geteuid()).value();
  auto asked = place.request(1000, 1000);
  asked.verb = Verb::kOpenScript;
  asked.mailbox.home = "/home/pat";
  asked.mailbox.script = "rules/active";
  asked.path = "/home/pat/rules/active";
  BOOST_TEST(authority->allows(asked, place.spool, {}).ok());
  asked.mailbox.script = ".ssh/id_ed25519";
  asked.path = "/home/pat/.ssh/id_ed25519";
  BOOST_TEST(authority->allows(asked, place.spool, {}).error().describe() ==
             "the lookups know no such recipient");
}

BOOST_AUTO_TEST_CASE(no_message_is_larger_than_the_configuration_allows) {
  Place place;
  BOOST_TEST(place.refusal_of_staged(1024) == "");
  BOOST_TEST(place.refusal_of_staged(128 << 10) ==
             "the file is larger than session.max-message-size");
}

BOOST_AUTO_TEST_SUITE_END()
