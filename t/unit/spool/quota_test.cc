// Deliveries to mailboxes that have a limit (R4), and mailboxes that a program of the site makes.
#include <boost/test/unit_test.hpp>

#include "delivery.hh"
#include "spool/quota_book.hh"

using namespace handoff;

namespace {

// What the message of Delivery has on disk, octets.
constexpr std::uint64_t kSize = 11;

struct Limited : Delivery {
  spool::QuotaLimits limits{25, 0};
  std::chrono::milliseconds patience = std::chrono::minutes(5);
  std::function<Status(const Mailbox&)> create;

  spool::Spool open() {
    spool::SpoolOptions options{place.path(), "host", false, guard};
    options.quota = limits;
    options.quota_patience = patience;
    options.create = create;
    return spool::Spool::open(posix, options).value();
  }
  std::string file(const std::string& user) {
    return place.read("example.org/" + user + "/maildirsize");
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_quota)

BOOST_AUTO_TEST_CASE(a_mailbox_takes_what_it_has_room_for_and_the_others_go_on_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  BOOST_REQUIRE(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(delivery.file("pat") == "25S\n0 0\n11 1\n");
  BOOST_REQUIRE(delivery.deliver(spool, {pat}).ok());
  BOOST_REQUIRE(delivery.delivered[0].quota.has_value());
  BOOST_TEST(delivery.delivered[0].quota->use->size == 2 * kSize);
  auto full = delivery.deliver(spool, {pat});
  BOOST_TEST(full.error().code == EDQUOT);
  BOOST_TEST(full.error().what == spool::kOverQuota);
  BOOST_TEST(delivery.in_new("pat").size() == 2u);
  BOOST_TEST(delivery.file("pat") == "25S\n22 2\n");  // counted before it was refused
  BOOST_TEST(!spool.check_quota(pat, kSize).ok());
  BOOST_TEST(spool.check_quota(pat, 3).ok());
  BOOST_TEST(delivery.deliver(spool, {delivery.mailbox("kim")}).ok());
}

BOOST_AUTO_TEST_CASE(a_mailbox_can_have_limits_of_its_own_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  pat.quota = {0, 1};
  BOOST_TEST(spool.check_quota(pat, 1000).ok());
  BOOST_REQUIRE(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(delivery.file("pat") == "1C\n0 0\n11 1\n");
  BOOST_TEST(delivery.deliver(spool, {pat}).error().code == EDQUOT);
  auto kim = delivery.mailbox("kim");
  kim.quota = {0, {}};  // none
  for (int i = 0; i < 3; ++i) BOOST_TEST(delivery.deliver(spool, {kim}).ok());
  BOOST_TEST(!delivery.place.has("example.org/kim/maildirsize"));
}

BOOST_AUTO_TEST_CASE(folders_count_and_a_new_mailbox_is_empty_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = Delivery::named("pat", true);
  BOOST_TEST(spool.check_quota(pat, 25).ok());
  BOOST_TEST(!spool.check_quota(pat, 26).ok());
  pat.folder = "lists";
  pat.create_folder = true;
  BOOST_REQUIRE(delivery.deliver(spool, {pat}).ok());
  pat.folder.clear();
  BOOST_REQUIRE(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(delivery.file("pat") == "25S\n11 1\n11 1\n");
  BOOST_TEST(delivery.deliver(spool, {pat}).error().code == EDQUOT);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_told_refuses_nothing_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  delivery.place.make("example.org/pat/maildirsize");  // can be neither read nor replaced
  for (int i = 0; i < 4; ++i) BOOST_TEST(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(delivery.in_new("pat").size() == 4u);
}

BOOST_AUTO_TEST_CASE(one_process_at_a_time_counts_a_mailbox_R4) {
  Limited delivery;
  auto pat = delivery.mailbox("pat");
  delivery.place.write("example.org/pat/cur/1", std::string(25, 'x'));
  {
    delivery.patience = std::chrono::milliseconds(20);
    auto spool = delivery.open();
    auto other = delivery.posix.open_root(delivery.place.path("example.org/pat")).value();
    BOOST_REQUIRE(sys::claim(other));
    // Nothing is known of it, and nobody waits for long.
    BOOST_TEST(delivery.deliver(spool, {pat}).ok());
    BOOST_TEST(!delivery.place.has("example.org/pat/maildirsize"));
  }
  delivery.patience = std::chrono::minutes(5);
  auto spool = delivery.open();
  BOOST_TEST(delivery.deliver(spool, {pat}).error().code == EDQUOT);
}

BOOST_AUTO_TEST_CASE(a_count_that_takes_long_holds_up_no_delivery_R4) {
  Limited delivery;
  delivery.patience = {};
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  // Full, as far as is known, and being counted anew: put off, and never bounced.
  delivery.place.write("example.org/pat/maildirsize", "25S\n11 1\n11 1\n");
  auto full = delivery.deliver(spool, {pat});
  BOOST_TEST(full.error().what == spool::kMaybeOverQuota);
  // Nothing known: delivered.
  auto kim = delivery.mailbox("kim");
  kim.quota = {{}, 1};
  BOOST_TEST(delivery.deliver(spool, {kim}).ok());
}

BOOST_AUTO_TEST_CASE(a_retry_has_the_mailbox_counted_because_its_first_try_may_not_have_been_R4) {
  Limited delivery;
  delivery.guard = true;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  for (bool again : {false, true}) {
    auto staging = spool.begin(false).value();
    BOOST_REQUIRE(staging.append("a: b\r\n\r\nbody\r\n").ok());
    BOOST_REQUIRE(spool.complete(staging, {pat.place()}).ok());
    auto done = spool.commit(staging, pat, "");
    BOOST_REQUIRE(done.ok());
    BOOST_TEST(done.value().already == again);
    BOOST_REQUIRE(spool.vanished(staging).ok());
  }
  BOOST_TEST(!delivery.place.has("example.org/pat/maildirsize"));
  BOOST_TEST(spool.check_quota(pat, 14).ok());
  BOOST_TEST(delivery.file("pat") == "25S\n11 1\n");
}

BOOST_AUTO_TEST_CASE(a_program_of_the_site_makes_mailboxes_once_and_what_it_left_out_is_added) {
  Limited delivery;
  delivery.limits = {};
  int calls = 0;
  int failure = 0;
  delivery.create = [&](const Mailbox& mailbox) -> Status {
    ++calls;
    if (failure != 0) return Error{failure, "no", {}};
    if (mailbox.address.starts_with("pat")) delivery.place.make(mailbox.path);
    return {};
  };
  auto spool = delivery.open();
  auto pat = Delivery::named("pat", true);
  BOOST_TEST(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(calls == 1);
  BOOST_TEST(delivery.in_new("pat").size() == 2u);
  BOOST_TEST(delivery.place.has("example.org/pat/cur"));
  // Where its first message goes to a folder, the folder is marked as one, and the mailbox is not.
  auto listed = Delivery::named("pat2", true);
  listed.folder = "lists";
  listed.create_folder = true;
  BOOST_TEST(delivery.deliver(spool, {listed}).ok());
  BOOST_TEST(delivery.place.has("example.org/pat2/.lists/maildirfolder"));
  BOOST_TEST(!delivery.place.has("example.org/pat2/maildirfolder"));
  // It says yes and has made nothing; it says no: both are put off.
  BOOST_TEST(delivery.deliver(spool, {Delivery::named("kim", true)}).error().code == ENOENT);
  failure = ECHILD;
  BOOST_TEST(delivery.deliver(spool, {Delivery::named("sam", true)}).error().code == ECHILD);
  // Nor is it asked for a mailbox that is not to be made.
  calls = 0;
  BOOST_TEST(delivery.deliver(spool, {Delivery::named("lee", false)}).error().code == ENOENT);
  BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_SUITE_END()
