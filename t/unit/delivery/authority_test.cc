// Requests that the delivery process refuses even if it cannot check the mailbox itself, because
// only workers ask that lookup.
#include "delivery/authority.hh"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "conf/file.hh"
#include "lookup_settings.hh"
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

BOOST_AUTO_TEST_CASE(no_message_is_larger_than_the_configuration_allows) {
  Place place;
  BOOST_TEST(place.refusal_of_staged(1024) == "");
  BOOST_TEST(place.refusal_of_staged(128 << 10) ==
             "the file is larger than session.max-message-size");
}

BOOST_AUTO_TEST_SUITE_END()
