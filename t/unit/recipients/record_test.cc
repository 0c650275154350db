// The fields of a recipient: valid values, and the resulting mailbox.
#include "recipients/record.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::recipients;

namespace {

struct Place {
  sys::Files files;
  sys::Fd spool;
  std::string layout = "%d/%n";
  LookupContext context{files, spool, layout};

  Result<Answer> answer(std::string_view fields) {
    auto record = parse_record(fields);
    if (!record) return record.error();
    return answer_of(record.value(), {"pat", "example.org"}, context);
  }
  Mailbox mailbox(std::string_view fields) { return answer(fields).value().mailbox.value(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_record)

BOOST_AUTO_TEST_CASE(without_fields_the_mailbox_follows_from_the_layout) {
  auto mailbox = Place().mailbox("");
  BOOST_TEST(mailbox.name() == "example.org/pat");
  BOOST_TEST(mailbox.address == "pat@example.org");
  BOOST_TEST(mailbox.create);
  BOOST_TEST(!mailbox.owner);
}

BOOST_AUTO_TEST_CASE(each_field_sets_a_property_of_the_mailbox) {
  auto mailbox =
      Place().mailbox("mailbox=/srv/mail/p  uid=1001 gid=1002\tquota=1G,5000 folder=lists");
  BOOST_TEST(mailbox.name() == "/srv/mail/p");
  BOOST_TEST((mailbox.owner == MailboxOwner{1001, 1002}));
  BOOST_TEST((mailbox.quota == MailboxQuota{1ULL << 30, 5000}));
  BOOST_TEST(mailbox.folder == "lists");
  BOOST_TEST(!mailbox.owned_since);
  BOOST_TEST(Place().mailbox("mailbox=a/b/").name() == "a/b");
  BOOST_TEST((Place().mailbox("quota=10M").quota == MailboxQuota{10ULL << 20, std::nullopt}));
}

BOOST_AUTO_TEST_CASE(since_is_when_the_mailbox_got_its_owner_X12) {
  for (const char* since :
       {"since=1396566060", "since=2014-04-03T23:01:00Z", "since=20140403230100Z"}) {
    auto moment = Place().mailbox(since).owned_since;
    BOOST_TEST((moment && moment->time_since_epoch().count() == 1396566060), since);
  }
}

BOOST_AUTO_TEST_CASE(a_layout_with_a_home_requires_a_valid_home_from_the_lookup) {
  Place place;
  place.layout = "%h/Maildir";
  BOOST_TEST(place.mailbox("home=/home/pat").name() == "/home/pat/Maildir");
  // Not an unknown recipient: the lookup omitted a field that the layout needs, or returned an
  // invalid one.
  BOOST_TEST(place.answer("").error().code == EINVAL);
  for (const char* home : {"pat", "/home/../etc", "/", "//", "/home//pat", "/./x"}) {
    Record record;
    record.home = home;
    auto answer = answer_of(record, {"pat", "example.org"}, place.context);
    BOOST_TEST((!answer && answer.error().code == EINVAL), home);
  }
  // A name that cannot be a file name belongs to no recipient.
  Record record;
  record.home = "/home/pat";
  place.layout = "%h/%n";
  BOOST_TEST(!answer_of(record, {"../kim", "example.org"}, place.context).value().known());
}

BOOST_AUTO_TEST_CASE(host_and_port_say_where_the_mailbox_is_X13) {
  Place place;
  BOOST_TEST(place.answer("host=mail1.example.org").error().code == EINVAL);
  place.context.proxy = true;
  auto mailbox = place.mailbox("host=Mail1.example.org port=2424 mailbox=a/b");
  BOOST_TEST((mailbox.backend == Backend{"mail1.example.org", 2424}));
  BOOST_TEST(mailbox.name() == "mail1.example.org:2424/pat@example.org");
  BOOST_TEST(place.mailbox("host=mail1").backend->text() == "mail1:24");
  BOOST_TEST(place.mailbox("host=[2001:db8::1]").backend->text() == "[2001:db8::1]:24");
  BOOST_TEST(!place.mailbox("").backend);
}

BOOST_AUTO_TEST_CASE(timeout_says_how_long_that_host_may_take_X13) {
  Place place;
  place.context.proxy = true;
  auto slow = place.mailbox("host=mail1 timeout=2m");
  BOOST_TEST((slow.backend->timeout == std::chrono::seconds(120)));
  auto usual = place.mailbox("host=mail1");
  BOOST_TEST(!usual.backend->timeout.has_value());
  BOOST_TEST(usual.same_place(slow));
}

BOOST_AUTO_TEST_CASE(an_unknown_field_is_malformed_R1_R2) {
  for (const char* wrong : {"mailbox=",
                            "mailbox=../x",
                            "mailbox=/a/../b",
                            "mailbox=a//b",
                            "mailbox=a/./b",
                            "home=x",
                            "uid=0 gid=0",
                            "uid=1",
                            "gid=1",
                            "uid=-1 gid=1",
                            "uid=4294967295 gid=1",
                            "uid=4294967296 gid=1",
                            "uid=pat gid=1",
                            "quota=much",
                            "quota=1,",
                            "quota=1,-1",
                            "folder=.",
                            "folder=../x",
                            "folder=a/b",
                            "since=",
                            "since=2014-04-03",
                            "since=-1",
                            "host=",
                            "host=a/b",
                            "host=a:24",
                            "host=a,b",
                            "host=a port=0",
                            "host=a timeout=0",
                            "host=a timeout=soon",
                            "host=a timeout=61m",
                            "timeout=9",
                            "host=a port=25",
                            "host=a port=65536",
                            "port=24",
                            "colour=red",
                            "uid",
                            "->",
                            "-> a b",
                            "-> a -> b",
                            "mailboxes"}) {
    auto answer = Place().answer(wrong);
    BOOST_TEST((!answer.ok() && answer.error().code == EINVAL), wrong);
  }
}

BOOST_AUTO_TEST_CASE(an_alias_without_a_domain_is_in_the_same_domain) {
  auto alias = [](const char* fields) { return Place().answer(fields).value().alias->text(); };
  BOOST_TEST(alias("-> kim@Example.NET") == "kim@example.net");
  BOOST_TEST(alias("-> kim") == "kim@example.org");
  BOOST_TEST(alias("alias=kim") == "kim@example.org");
}

BOOST_AUTO_TEST_SUITE_END()
