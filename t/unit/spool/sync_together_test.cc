// One sync for all mailboxes, on the filesystems that allow it. The calls have the right order
// (L5), and a failure of any one call leaves nothing visible that was not acknowledged (R5).
#include "spool/message.hh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "delivery.hh"

using namespace handoff;
using sys::FileSync;

namespace {

using Actions = std::vector<std::string>;

constexpr FileSync kTogether[] = {FileSync::kNames, FileSync::kNamesInOrder};

// Returns three mailboxes, none of them young: no message is linked into a young one.
std::vector<Mailbox> three(Delivery& delivery) {
  delivery.files.hide_birth = true;
  return {delivery.mailbox("pat"), delivery.mailbox("kim"), delivery.mailbox("sam")};
}

// Returns two folders of a mailbox that may hold `most` messages, neither of them young.
std::vector<Mailbox> inbox_and_list(Delivery& delivery, const std::string& maildirsize,
                                    std::uint64_t most) {
  delivery.files.hide_birth = true;
  delivery.mailbox("pat/.lists");
  delivery.place.write("example.org/pat/maildirsize", maildirsize);
  auto inbox = delivery.mailbox("pat");
  inbox.quota = {0, most};
  auto folder = inbox;
  folder.folder = "lists";
  return {inbox, folder};
}

void done_for_two(FileSync sync, const std::string& completing) {
  Delivery delivery;
  delivery.files.hide_birth = true;
  delivery.files.sync = sync;
  std::vector<Mailbox> mailboxes{delivery.mailbox("pat"), delivery.mailbox("kim")};
  auto spool = delivery.open().value();
  delivery.files.calls.clear();
  BOOST_REQUIRE(delivery.deliver(*spool, mailboxes).ok());
  BOOST_TEST(delivery.actions() == (Actions{
                                       "create .handoff/staging/X",
                                       "write .handoff/staging/X",
                                       completing + " .handoff/staging/X",
                                       "link .handoff/staging/X -> example.org/pat/new/X,S",
                                       "link .handoff/staging/X -> example.org/kim/new/X,S",
                                       "sync file .handoff/staging/X",
                                       "close .handoff/staging/X",
                                       "unlink .handoff/staging/X",
                                   }),
             boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_sync_together)

BOOST_AUTO_TEST_CASE(data_is_written_out_then_named_then_synced_if_names_keep_their_order_L5) {
  done_for_two(FileSync::kNamesInOrder, "write out");
}

BOOST_AUTO_TEST_CASE(data_is_synced_then_named_then_synced_if_names_have_no_order_L5) {
  done_for_two(FileSync::kNames, "sync data");
}

BOOST_AUTO_TEST_CASE(each_directory_is_synced_if_so_configured) {
  Delivery delivery;
  delivery.files.sync = FileSync::kNamesInOrder;
  auto mailboxes = three(delivery);
  auto spool =
      spool::Spool::open(
          delivery.files,
          {.path = delivery.place.path(), .host = "host", .guard = false, .sync = Sync::kPlain})
          .value();
  BOOST_TEST(!spool->syncs_together());
  BOOST_REQUIRE(delivery.deliver(*spool, mailboxes).ok());
  auto actions = delivery.actions();
  for (const char* user : {"pat", "kim", "sam"}) {
    auto sync = "sync example.org/" + std::string(user) + "/new";
    BOOST_TEST(std::ranges::count(actions, sync) == 1, sync);
  }
}

BOOST_AUTO_TEST_CASE(two_folders_of_one_mailbox_share_its_quota_R4) {
  for (FileSync sync : kTogether) {
    Delivery delivery;
    delivery.files.sync = sync;
    auto folders = inbox_and_list(delivery, "1C\n0 0\n", 1);
    auto spool = delivery.open().value();
    auto done = delivery.deliver(*spool, folders);
    BOOST_TEST((!done && done.error().code == EDQUOT));
    BOOST_TEST(delivery.in_new("pat").size() == 1u);
    BOOST_TEST(delivery.in_new("pat/.lists").empty());
  }
}

BOOST_AUTO_TEST_CASE(an_uncertain_usage_is_counted_before_a_folder_is_refused_R4) {
  Delivery delivery;
  delivery.files.sync = FileSync::kNames;
  // The file says nine messages, but there are none.
  auto folders = inbox_and_list(delivery, "10C\n0 8\n0 1\n", 10);
  auto spool = delivery.open().value();
  BOOST_TEST(delivery.deliver(*spool, folders).ok());
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
  BOOST_TEST(delivery.in_new("pat/.lists").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_mailbox_on_another_filesystem_gets_a_copy_after_the_links) {
  for (FileSync sync : kTogether) {
    Delivery delivery;
    delivery.files.sync = sync;
    auto mailboxes = three(delivery);
    delivery.files.fault = [](const Call& call) {
      bool far = call.op == Op::kLink && call.path.starts_with(".handoff/") &&
                 call.target.starts_with("example.org/kim/");
      return far ? EXDEV : 0;
    };
    auto spool = delivery.open().value();
    BOOST_REQUIRE(delivery.deliver(*spool, mailboxes).ok());
    BOOST_TEST(!delivery.delivered[0].copied);
    BOOST_TEST(delivery.delivered[1].copied);
    BOOST_TEST(!delivery.delivered[2].copied);
    for (const char* user : {"pat", "kim", "sam"}) {
      BOOST_TEST(delivery.only_message(user) == "a: b\n\nbody\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failed_sync_removes_every_name_again_R5) {
  for (FileSync sync : kTogether) {
    for (Op op : {Op::kSyncFile, Op::kClose}) {
      Delivery delivery;
      delivery.files.sync = sync;
      auto mailboxes = three(delivery);
      auto spool = delivery.open().value();
      delivery.files.fault = [op](const Call& call) {
        return call.op == op && call.path.starts_with(".handoff/staging/") ? EIO : 0;
      };
      BOOST_TEST(delivery.deliver(*spool, mailboxes).error().code == EIO);
      for (const char* user : {"pat", "kim", "sam"}) BOOST_TEST(delivery.in_new(user).empty());
      BOOST_TEST(delivery.staged().empty());
      // The next message is delivered.
      delivery.files.fault = {};
      BOOST_TEST(delivery.deliver(*spool, mailboxes).ok());
      for (const char* user : {"pat", "kim", "sam"}) BOOST_TEST(delivery.in_new(user).size() == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failing_mailbox_does_not_affect_the_others_L6) {
  Delivery delivery;
  delivery.files.sync = FileSync::kNamesInOrder;
  auto mailboxes = three(delivery);
  delivery.files.fault = [](const Call& call) {
    return call.op == Op::kLink && call.target.starts_with("example.org/kim/") ? EDQUOT : 0;
  };
  auto spool = delivery.open().value();
  BOOST_TEST(!delivery.deliver(*spool, mailboxes).ok());
  BOOST_TEST(delivery.outcomes[0].ok());
  const auto& refused = delivery.outcomes[1].error();
  BOOST_TEST(refused.code == EDQUOT);
  BOOST_TEST(refused.path.starts_with("example.org/kim"));
  BOOST_TEST(delivery.outcomes[2].ok());
  auto syncs = std::ranges::count(delivery.files.calls, Op::kSyncFile, &Call::op);
  BOOST_TEST(syncs == 1);
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
  BOOST_TEST(delivery.in_new("kim").empty());
  BOOST_TEST(delivery.in_new("sam").size() == 1u);
}

BOOST_AUTO_TEST_CASE(after_a_failure_of_any_call_each_acknowledged_message_exists_R5) {
  for (FileSync sync : kTogether) {
    std::size_t failing = 0;
    for (;; ++failing) {
      Delivery delivery;
      delivery.files.sync = sync;
      auto mailboxes = three(delivery);
      mailboxes.push_back(Delivery::named("new", true));
      auto spool = delivery.open().value();
      delivery.files.calls.clear();
      delivery.files.fault = [&](const Call&) {
        return delivery.files.calls.size() == failing ? EIO : 0;
      };
      auto done = delivery.deliver(*spool, mailboxes);
      if (failing >= delivery.files.calls.size()) break;
      const Call& failed = delivery.files.calls[failing];
      BOOST_TEST_CONTEXT("call " << failing << ": " << failed.text()) {
        BOOST_TEST(done.ok() == (failed.op == Op::kUnlink));
        if (!done) BOOST_TEST(done.error().code == EIO);
        if (!done) BOOST_TEST(delivery.staged().empty());
        auto again = std::ranges::count_if(delivery.files.calls, [&](const Call& call) {
          return call.op == failed.op && call.path == failed.path &&
                 (call.op == Op::kSyncData || call.op == Op::kSyncFile || call.op == Op::kWriteOut);
        });
        BOOST_TEST(again <= 1);
      }
    }
    BOOST_TEST(failing > 10u);  // every call has failed once
  }
}

BOOST_AUTO_TEST_SUITE_END()
