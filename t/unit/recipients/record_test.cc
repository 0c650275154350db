// The fields of a recipient: what they may be, and the mailbox that they make.
#include "recipients/record.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::recipients;

namespace {

struct Place {
  sys::PosixFiles files;
  sys::Fd spool;
  std::string layout = "%d/%n";
  Ground ground{files, spool, layout};

  Result<Answer> answer(std::string_view fields) {
    auto record = parse_record(fields);
    if (!record) return record.error();
    return answer_of(record.value(), {"pat", "example.org"}, ground);
  }
  Mailbox mailbox(std::string_view fields) { return answer(fields).value().mailbox.value(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_record)

BOOST_AUTO_TEST_CASE(no_field_is_a_mailbox_by_the_layout) {
  auto mailbox = Place().mailbox("");
  BOOST_TEST(mailbox.name() == "example.org/pat");
  BOOST_TEST(mailbox.address == "pat@example.org");
  BOOST_TEST(mailbox.create);
  BOOST_TEST(!mailbox.owner);
}

BOOST_AUTO_TEST_CASE(each_field_says_something_of_the_mailbox) {
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

BOOST_AUTO_TEST_CASE(a_home_is_where_the_layout_has_it) {
  Place place;
  place.layout = "%h/Maildir";
  BOOST_TEST(place.mailbox("home=/home/pat").name() == "/home/pat/Maildir");
  // Not nobody: the layout needs what the lookup did not say, or said wrong.
  BOOST_TEST(place.answer("").error().code == EINVAL);
  for (const char* home : {"pat", "/home/../etc", "/", "//", "/home//pat", "/./x"}) {
    Record record;
    record.home = home;
    auto answer = answer_of(record, {"pat", "example.org"}, place.ground);
    BOOST_TEST((!answer && answer.error().code == EINVAL), home);
  }
  // A name that is no file's is nobody's.
  Record record;
  record.home = "/home/pat";
  place.layout = "%h/%n";
  BOOST_TEST(!answer_of(record, {"../kim", "example.org"}, place.ground).value().known());
}

BOOST_AUTO_TEST_CASE(what_is_no_field_is_malformed_R1_R2) {
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

BOOST_AUTO_TEST_CASE(an_alias_is_another_address_in_the_same_domain_where_it_has_none) {
  auto alias = [](const char* fields) { return Place().answer(fields).value().alias->text(); };
  BOOST_TEST(alias("-> kim@Example.NET") == "kim@example.net");
  BOOST_TEST(alias("-> kim") == "kim@example.org");
  BOOST_TEST(alias("alias=kim") == "kim@example.org");
}

BOOST_AUTO_TEST_SUITE_END()
