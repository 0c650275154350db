// Deliveries to mailboxes with a limit (R4), and mailboxes that a program of the site creates.
#include <boost/test/unit_test.hpp>

#include "delivery.hh"
#include "spool/quotas.hh"

using namespace handoff;

namespace {

// The size of Delivery's message on disk, in octets.
constexpr std::uint64_t kSize = 11;

struct Limited : Delivery {
  spool::QuotaLimits limits{25, 0};
  std::chrono::milliseconds patience = std::chrono::minutes(5);
  std::function<Status(const Mailbox&)> create;

  std::unique_ptr<spool::Spool> open() {
    spool::SpoolOptions options{.path = place.path(), .host = "host", .guard = guard};
    options.writer.quota = limits;
    options.writer.quota_patience = patience;
    options.writer.create = create;
    return spool::Spool::open(posix, options).value();
  }
  static bool has_room(spool::Spool& spool, const Mailbox& mailbox, std::uint64_t size) {
    auto state = spool.writer().quotas().state(mailbox, size);
    return spool::Quotas::check(state.value(), size).ok();
  }
  std::string file(const std::string& user) {
    return place.read("example.org/" + user + "/maildirsize");
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_quota)

BOOST_AUTO_TEST_CASE(a_full_mailbox_refuses_mail_and_the_others_accept_it_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.file("pat") == "25S\n0 0\n11 1\n");
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  BOOST_REQUIRE(delivery.delivered[0].quota.has_value());
  BOOST_TEST(delivery.delivered[0].quota->use->size == 2 * kSize);
  auto full = delivery.deliver(*spool, {pat});
  BOOST_TEST(full.error().code == EDQUOT);
  BOOST_TEST((full.error().reason == Reason::kOverQuota));
  BOOST_TEST(delivery.in_new("pat").size() == 2u);
  BOOST_TEST(delivery.file("pat") == "25S\n22 2\n");  // the mailbox was counted before the refusal
  BOOST_TEST(!Limited::has_room(*spool, pat, kSize));
  BOOST_TEST(Limited::has_room(*spool, pat, 3));
  BOOST_TEST(delivery.deliver(*spool, {delivery.mailbox("kim")}).ok());
}

BOOST_AUTO_TEST_CASE(a_mailbox_can_have_limits_of_its_own_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  pat.quota = {0, 1};
  BOOST_TEST(Limited::has_room(*spool, pat, 1000));
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.file("pat") == "1C\n0 0\n11 1\n");
  BOOST_TEST(delivery.deliver(*spool, {pat}).error().code == EDQUOT);
  auto kim = delivery.mailbox("kim");
  kim.quota = {0, {}};  // no quota
  for (int i = 0; i < 3; ++i) BOOST_TEST(delivery.deliver(*spool, {kim}).ok());
  BOOST_TEST(!delivery.place.has("example.org/kim/maildirsize"));
}

BOOST_AUTO_TEST_CASE(folders_count_and_a_new_mailbox_is_empty_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = Delivery::named("pat", true);
  BOOST_TEST(Limited::has_room(*spool, pat, 25));
  BOOST_TEST(!Limited::has_room(*spool, pat, 26));
  pat.folder = "lists";
  pat.create_folder = true;
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  pat.folder.clear();
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.file("pat") == "25S\n11 1\n11 1\n");
  BOOST_TEST(delivery.deliver(*spool, {pat}).error().code == EDQUOT);
}

BOOST_AUTO_TEST_CASE(while_the_usage_is_unknown_mail_is_accepted_R4) {
  Limited delivery;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  delivery.place.make("example.org/pat/maildirsize");  // can be neither read nor replaced
  for (int i = 0; i < 4; ++i) BOOST_TEST(delivery.deliver(*spool, {pat}).ok());
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
    // The usage of the mailbox is unknown, and no process waits long for it.
    BOOST_TEST(delivery.deliver(*spool, {pat}).ok());
    BOOST_TEST(!delivery.place.has("example.org/pat/maildirsize"));
  }
  delivery.patience = std::chrono::minutes(5);
  auto spool = delivery.open();
  BOOST_TEST(delivery.deliver(*spool, {pat}).error().code == EDQUOT);
}

BOOST_AUTO_TEST_CASE(a_long_count_delays_no_delivery_R4) {
  Limited delivery;
  delivery.patience = {};
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  // If the mailbox is full according to the file and is being recounted, mail is deferred and never
  // bounced.
  delivery.place.write("example.org/pat/maildirsize", "25S\n11 1\n11 1\n");
  auto full = delivery.deliver(*spool, {pat});
  BOOST_TEST((full.error().reason == Reason::kMaybeOverQuota));
  // If the usage is unknown, the message is delivered.
  auto kim = delivery.mailbox("kim");
  kim.quota = {{}, 1};
  BOOST_TEST(delivery.deliver(*spool, {kim}).ok());
}

BOOST_AUTO_TEST_CASE(after_a_retry_the_mailbox_is_counted_R4) {
  Limited delivery;
  delivery.guard = true;
  auto spool = delivery.open();
  auto pat = delivery.mailbox("pat");
  for (bool again : {false, true}) {
    auto message = complete_message(*spool, {pat}, kMessage);
    auto done = deliver_to(message, {pat});
    BOOST_REQUIRE(done[0].ok());
    BOOST_TEST(done[0].value().already == again);
    message.replies_written();
    BOOST_REQUIRE(message.replies_unread().ok());
  }
  BOOST_TEST(!delivery.place.has("example.org/pat/maildirsize"));
  BOOST_TEST(Limited::has_room(*spool, pat, 14));
  BOOST_TEST(delivery.file("pat") == "25S\n11 1\n");
}

BOOST_AUTO_TEST_CASE(a_program_of_the_site_creates_a_mailbox_once_and_handoff_adds_missing_parts) {
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
  BOOST_TEST(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(calls == 1);
  BOOST_TEST(delivery.in_new("pat").size() == 2u);
  BOOST_TEST(delivery.place.has("example.org/pat/cur"));
  // If the first message goes to a folder, the folder is marked as a folder, and the mailbox is
  // not.
  auto listed = Delivery::named("pat2", true);
  listed.folder = "lists";
  listed.create_folder = true;
  BOOST_TEST(delivery.deliver(*spool, {listed}).ok());
  BOOST_TEST(delivery.place.has("example.org/pat2/.lists/maildirfolder"));
  BOOST_TEST(!delivery.place.has("example.org/pat2/maildirfolder"));
  // If the command succeeds without creating anything, or fails, the message is deferred.
  BOOST_TEST(delivery.deliver(*spool, {Delivery::named("kim", true)}).error().code == ENOENT);
  failure = ECHILD;
  BOOST_TEST(delivery.deliver(*spool, {Delivery::named("sam", true)}).error().code == ECHILD);
  // The command is not run for a mailbox that must not be created.
  calls = 0;
  BOOST_TEST(delivery.deliver(*spool, {Delivery::named("lee", false)}).error().code == ENOENT);
  BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_SUITE_END()
