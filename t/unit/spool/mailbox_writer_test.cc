// Deliveries from staging into mailboxes. The calls have the right order (L5), and nothing is
// visible after a failure of any call (R5).
#include "spool/mailbox_writer.hh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "delivery.hh"
#include "in_child.hh"
#include "scenarios.hh"

#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>
#endif

using namespace handoff;

namespace {

using Actions = std::vector<std::string>;

constexpr std::string_view kStored = "a: b\n\nbody\n";

// L5, for a log of calls that ended in success: a name in new/ is given to data that has been
// synced and closed, its directory is synced afterwards, and so is the parent of each directory
// that was made.
void check_durable(const std::vector<Call>& calls) {
  auto parent = [](const std::string& path) {
    auto slash = path.rfind('/');
    return slash == path.npos ? std::string(".") : path.substr(0, slash);
  };
  auto follows = [&](std::size_t from, Op op, const std::string& path) {
    for (std::size_t i = from + 1; i < calls.size(); ++i) {
      if (calls[i].op == op && calls[i].path == path && calls[i].failed == 0) return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    if (call.failed != 0) continue;
    if (call.op == Op::kMakeDirectory) {
      BOOST_TEST(follows(i, Op::kSyncDirectory, parent(call.path)), call.text());
    }
    if (call.op != Op::kLink) continue;
    BOOST_TEST(follows(i, Op::kSyncDirectory, parent(call.target)), call.text());
    bool synced = false;
    bool closed = false;
    for (std::size_t j = 0; j < i; ++j) {
      if (calls[j].path != call.path || calls[j].failed != 0) continue;
      if (calls[j].op == Op::kWrite) synced = closed = false;
      if (calls[j].op == Op::kSyncData) synced = true;
      if (calls[j].op == Op::kClose) closed = synced;
    }
    BOOST_TEST(closed, call.text());
  }
}

std::size_t open_descriptors() {
  auto all = std::filesystem::directory_iterator("/dev/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_mailbox_writer)

BOOST_AUTO_TEST_CASE(data_is_synced_then_named_then_the_directory_is_synced_L5) {
  Delivery delivery;
  delivery.files.hide_birth = true;
  auto mailbox = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  delivery.files.calls.clear();
  BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
  BOOST_TEST(delivery.actions() == (Actions{
                                       "create .handoff/staging/X",
                                       "write .handoff/staging/X",
                                       "sync data .handoff/staging/X",
                                       "close .handoff/staging/X",
                                       "link .handoff/staging/X -> example.org/pat/new/X,S",
                                       "sync example.org/pat/new",
                                       "unlink .handoff/staging/X",
                                   }),
             boost::test_tools::per_element());
  BOOST_TEST(delivery.only_message("pat") == kStored);
}

BOOST_AUTO_TEST_CASE(a_new_mailbox_is_synced_up_to_the_spool_L5) {
  Delivery delivery;
  delivery.files.hide_birth = true;
  auto spool = delivery.open().value();
  delivery.files.calls.clear();
  BOOST_REQUIRE(delivery.deliver(*spool, {Delivery::named("pat", true)}).ok());
  BOOST_TEST(delivery.actions() == (Actions{
                                       "create .handoff/staging/X",
                                       "write .handoff/staging/X",
                                       "sync data .handoff/staging/X",
                                       "close .handoff/staging/X",
                                       "make directory example.org",
                                       "sync .",
                                       "make directory example.org/pat",
                                       "sync example.org",
                                       "make directory example.org/pat/tmp",
                                       "make directory example.org/pat/cur",
                                       "make directory example.org/pat/new",
                                       "sync example.org/pat",
                                       "link .handoff/staging/X -> example.org/pat/new/X,S",
                                       "sync example.org/pat/new",
                                       "unlink .handoff/staging/X",
                                   }),
             boost::test_tools::per_element());
  for (const char* name : {"tmp", "cur", "new"}) {
    BOOST_TEST(delivery.place.mode(std::string("example.org/pat/") + name) == 0700u);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_goes_through_tmp_and_is_synced_before_it_is_named_L5) {
  Delivery delivery;
  delivery.files.hide_birth = true;
  delivery.files.fault = no_links(EXDEV);
  auto mailbox = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  delivery.files.calls.clear();
  BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
  BOOST_TEST(delivery.actions() == (Actions{
                                       "create .handoff/staging/X",
                                       "write .handoff/staging/X",
                                       "sync data .handoff/staging/X",
                                       "close .handoff/staging/X",
                                       "link .handoff/staging/X -> example.org/pat/new/X,S fails",
                                       "create example.org/pat/tmp/X",
                                       "write example.org/pat/tmp/X",
                                       "sync data example.org/pat/tmp/X",
                                       "close example.org/pat/tmp/X",
                                       "link example.org/pat/tmp/X -> example.org/pat/new/X,S",
                                       "sync example.org/pat/new",
                                       "unlink example.org/pat/tmp/X",
                                       "unlink .handoff/staging/X",
                                   }),
             boost::test_tools::per_element());
  BOOST_TEST(delivery.delivered.front().copied);
  BOOST_TEST(delivery.only_message("pat") == kStored);
}

BOOST_AUTO_TEST_CASE(every_delivery_syncs_a_recently_created_mailbox_L5) {
  // Another worker may have created the mailbox and not synced it yet. Its age follows from its
  // birth or, if the filesystem does not record that, from the last change of its own directory.
  for (bool hide_birth : {false, true}) {
    Delivery delivery;
    delivery.files.hide_birth = hide_birth;
    auto spool = delivery.open().value();
    auto mailbox = Delivery::named("pat", true);
    BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
    delivery.files.calls.clear();
    BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
    auto actions = delivery.actions();
    for (const char* sync : {"sync .", "sync example.org", "sync example.org/pat"}) {
      BOOST_TEST((std::ranges::find(actions, sync) != actions.end()), sync);
    }
  }
}

BOOST_AUTO_TEST_CASE(in_every_scenario_acknowledged_messages_are_durable_L5) {
  for (const auto& scenario : scenarios()) {
    BOOST_TEST_CONTEXT(scenario.name) {
      Delivery delivery;
      delivery.own_staging = scenario.own_staging;
      delivery.files.hide_birth = scenario.old;
      delivery.files.fault = scenario.fault;
      auto mailboxes = scenario.mailboxes(delivery);
      auto spool = delivery.open().value();
      BOOST_REQUIRE(spool->begin(false).ok());  // its folder need not be durable
      delivery.files.calls.clear();
      auto done = delivery.deliver(*spool, mailboxes, kMessage, scenario.personal);
      BOOST_REQUIRE(done.ok());
      check_durable(delivery.files.calls);
      BOOST_TEST(delivery.staged().empty());
    }
  }
}

// Each call fails with one errno here; t/crash/t0510 lets each call fail with every errno.
BOOST_AUTO_TEST_CASE(a_failure_of_any_one_call_leaves_nothing_visible_R5) {
  constexpr int kCodes[] = {EIO, ENOSPC, EDQUOT, EMFILE, EROFS, ESTALE, ENAMETOOLONG};
  std::size_t turn = 0;
  for (const auto& scenario : scenarios()) {
    std::size_t failing = 0;
    for (;; ++failing) {
      int code = kCodes[turn++ % std::size(kCodes)];
      Delivery delivery;
      delivery.own_staging = scenario.own_staging;
      delivery.files.hide_birth = scenario.old;
      auto mailboxes = scenario.mailboxes(delivery);
      auto spool = delivery.open().value();
      BOOST_REQUIRE(spool->begin(false).ok());  // makes the process's folder
      delivery.files.calls.clear();
      delivery.files.fault = [&](const Call& call) {
        int own = scenario.fault ? scenario.fault(call) : 0;
        if (own != 0) return own;
        return delivery.files.calls.size() == failing ? code : 0;
      };
      auto opened = open_descriptors();
      auto done = delivery.deliver(*spool, mailboxes, kMessage, scenario.personal);
      if (failing >= delivery.files.calls.size()) break;
      const Call& failed = delivery.files.calls[failing];
      BOOST_TEST_CONTEXT(scenario.name << ", call " << failing << ": " << failed.text()) {
        if (failed.failed != code) continue;  // the call prepared the scenario
        bool tidying = failed.op == Op::kUnlink;
        BOOST_TEST(done.ok() == tidying);
        if (!done) BOOST_TEST(done.error().code == code);
        BOOST_TEST(open_descriptors() == opened);
        for (std::size_t i = 0; i < mailboxes.size(); ++i) {
          auto user = mailboxes[i].path.substr(mailboxes[i].path.find('/') + 1);
          bool promised = i < delivery.outcomes.size() && delivery.outcomes[i].ok();
          BOOST_TEST(delivery.in_new(user).size() == (promised ? 1u : 0u));
          if (!tidying) BOOST_TEST(delivery.place.names(mailboxes[i].path + "/tmp").empty());
        }
        if (!tidying) BOOST_TEST(delivery.staged().empty());
        // A failed call, in particular a sync, is not repeated.
        auto again = std::ranges::count_if(delivery.files.calls, [&](const Call& call) {
          return call.op == failed.op && call.path == failed.path && call.op == Op::kSyncData;
        });
        BOOST_TEST(again <= 1);
        // The next delivery works.
        delivery.files.fault = scenario.fault;
        std::size_t before = delivery.in_new("pat").size();
        BOOST_TEST(delivery.deliver(*spool, mailboxes, kMessage, scenario.personal).ok());
        BOOST_TEST(delivery.in_new("pat").size() == before + 1);
      }
    }
    BOOST_TEST(failing > 6u, scenario.name);  // every call has failed once
  }
}

BOOST_AUTO_TEST_CASE(several_mailboxes_share_one_file) {
  Delivery delivery;
  auto spool = delivery.open().value();
  std::vector<Mailbox> mailboxes{delivery.mailbox("pat"), delivery.mailbox("kim"),
                                 delivery.mailbox("sam")};
  BOOST_REQUIRE(delivery.deliver(*spool, mailboxes).ok());
  for (const char* user : {"pat", "kim", "sam"}) {
    BOOST_TEST(delivery.only_message(user) == kStored);
    auto path = delivery.place.path("example.org/" + std::string(user) + "/new/" +
                                    *delivery.in_new(user).begin());
    BOOST_TEST(std::filesystem::hard_link_count(path) == 3u);
    BOOST_TEST(delivery.place.names("example.org/" + std::string(user) + "/cur").empty());
    BOOST_TEST(delivery.place.names("example.org/" + std::string(user) + "/tmp").empty());
  }
  BOOST_TEST(delivery.staged().empty());
  BOOST_TEST(!delivery.delivered.front().copied);
}

BOOST_AUTO_TEST_CASE(the_file_name_contains_the_size_R6) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto mailbox = delivery.mailbox("pat");
  BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
  auto name = *delivery.in_new("pat").begin();
  BOOST_TEST(name.ends_with(",S=" + std::to_string(kStored.size())));
  BOOST_TEST(delivery.delivered.front().file == name);
  BOOST_TEST(delivery.delivered.front().size == kStored.size());
}

BOOST_AUTO_TEST_CASE(personal_lines_follow_the_first_line_of_a_separate_copy) {
  for (bool crlf : {false, true}) {
    Delivery delivery(crlf);
    auto spool = delivery.open().value();
    auto mailbox = delivery.mailbox("pat");
    BOOST_REQUIRE(delivery
                      .deliver(*spool, {mailbox}, "Return-Path: <>\r\nReceived: x\r\n\r\nbody\r\n",
                               "Delivered-To: pat@example.org\r\n")
                      .ok());
    std::string eol = crlf ? "\r\n" : "\n";
    auto want = "Return-Path: <>" + eol + "Delivered-To: pat@example.org" + eol + "Received: x" +
                eol + eol + "body" + eol;
    BOOST_TEST(delivery.only_message("pat") == want);
    BOOST_TEST(delivery.delivered.front().size == want.size());
    BOOST_TEST(delivery.in_new("pat").begin()->ends_with(",S=" + std::to_string(want.size())));
    BOOST_TEST(delivery.delivered.front().copied);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_message_larger_than_any_buffer_is_complete) {
  for (std::size_t first : {std::size_t{20}, std::size_t{700000}}) {
    Delivery delivery;
    delivery.files.fault = no_links(EXDEV);
    auto spool = delivery.open().value();
    auto mailbox = delivery.mailbox("pat");
    std::string head(first, 'h');
    std::string body(3000000, 'b');
    BOOST_REQUIRE(
        delivery.deliver(*spool, {mailbox}, head + "\r\n" + body + "\r\n", "P: q\r\n").ok());
    auto want = head + "\nP: q\n" + body + "\n";
    BOOST_TEST((delivery.only_message("pat") == want));
    BOOST_TEST(delivery.delivered.front().size == want.size());
  }
}

BOOST_AUTO_TEST_CASE(if_a_name_is_taken_another_one_is_used_R6) {
  for (bool copied : {false, true}) {
    Delivery delivery;
    auto spool = delivery.open().value();
    auto mailbox = delivery.mailbox("pat");
    std::set<std::string> tried;
    delivery.files.fault = [&](const Call& call) {
      if (call.op != Op::kLink) return 0;
      if (copied && leaves_staging(call)) return EXDEV;
      tried.insert(call.target);
      return tried.size() <= 2 ? EEXIST : 0;
    };
    BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
    BOOST_TEST(tried.size() == 3u);
    BOOST_TEST(delivery.only_message("pat") == kStored);
    BOOST_TEST(*delivery.in_new("pat").begin() == delivery.delivered.front().file);
  }
}

BOOST_AUTO_TEST_CASE(if_every_name_is_taken_the_delivery_fails_R6) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto mailbox = delivery.mailbox("pat");
  delivery.files.fault = [](const Call& call) { return call.op == Op::kLink ? EEXIST : 0; };
  BOOST_TEST(delivery.deliver(*spool, {mailbox}).error().code == EEXIST);
  BOOST_TEST(delivery.in_new("pat").empty());
}

BOOST_AUTO_TEST_CASE(a_mailbox_removed_after_rcpt_is_ENOENT_and_is_not_created_R1) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto done = delivery.deliver(*spool, {Delivery::named("pat", false)});
  BOOST_TEST(done.error().code == ENOENT);
  BOOST_TEST(!delivery.place.has("example.org"));
}

BOOST_AUTO_TEST_CASE(a_failing_mailbox_does_not_affect_the_next_one_L6) {
  Delivery delivery;
  auto spool = delivery.open().value();
  std::vector<Mailbox> mailboxes{delivery.mailbox("pat"), delivery.mailbox("kim"),
                                 delivery.mailbox("sam")};
  delivery.files.fault = [](const Call& call) {
    return call.op == Op::kSyncDirectory && call.path == "example.org/kim/new" ? EDQUOT : 0;
  };
  BOOST_TEST(!delivery.deliver(*spool, mailboxes).ok());
  BOOST_TEST(delivery.outcomes[0].ok());
  const auto& refused = delivery.outcomes[1].error();
  BOOST_TEST(refused.code == EDQUOT);
  BOOST_TEST(refused.path.starts_with("example.org/kim"));
  BOOST_TEST(delivery.outcomes[2].ok());
  BOOST_TEST(delivery.only_message("pat") == kStored);
  BOOST_TEST(delivery.in_new("kim").empty());
  BOOST_TEST(delivery.only_message("sam") == kStored);
}

BOOST_AUTO_TEST_CASE(a_folder_gets_the_message_and_the_inbox_does_not_R3) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto mailbox = delivery.mailbox("pat");
  delivery.place.make("example.org/pat/.lists");
  mailbox.folder = "lists";
  BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
  BOOST_TEST(delivery.place.names("example.org/pat/.lists/new").size() == 1u);
  BOOST_TEST(delivery.in_new("pat").empty());
}

BOOST_AUTO_TEST_CASE(a_missing_folder_is_created_synced_and_subscribed_to_R3) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto mailbox = delivery.mailbox("pat");
  delivery.place.write("example.org/pat/courierimapsubscribed", "INBOX.old\n");
  auto into = [&](const char* folder) {
    mailbox.folder = folder;
    mailbox.create_folder = true;
    delivery.files.calls.clear();
    BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
  };
  into("lists.c++");
  std::string folder = "example.org/pat/.lists.c++";
  BOOST_TEST(delivery.place.names(folder) ==
             (std::set<std::string>{"cur", "maildirfolder", "new", "tmp"}));
  BOOST_TEST(delivery.place.names(folder + "/new").size() == 1u);
  auto actions = delivery.actions();
  auto sequence = {"make directory " + folder, std::string("sync example.org/pat"),
                   "make directory " + folder + "/new", "sync " + folder,
                   "link .handoff/staging/X -> " + folder + "/new/X,S"};
  auto at = actions.begin();
  for (const auto& action : sequence) {
    at = std::find(at, actions.end(), action);
    BOOST_TEST((at != actions.end()), action << " in its turn");
  }
  auto subscribed = [&] { return delivery.place.read("example.org/pat/subscriptions"); };
  BOOST_TEST(subscribed() == "lists.c++\n");
  BOOST_TEST(delivery.place.read("example.org/pat/courierimapsubscribed") ==
             "INBOX.old\nINBOX.lists.c++\n");
  into("lists.c++");
  BOOST_TEST(subscribed() == "lists.c++\n");
  // Dovecot's second format without a last line end; a lock of another program; a link.
  delivery.place.write("example.org/pat/subscriptions", "V\t2\n\nlists\tc++");
  into("a.b");
  BOOST_TEST(subscribed() == "V\t2\n\nlists\tc++\na\tb\n");
  delivery.place.write("example.org/pat/subscriptions.lock", "");
  into("c");
  BOOST_TEST(subscribed() == "V\t2\n\nlists\tc++\na\tb\n");
  std::filesystem::remove(delivery.place.path("example.org/pat/subscriptions.lock"));
  std::filesystem::remove(delivery.place.path("example.org/pat/subscriptions"));
  TemporaryDirectory outside;
  outside.write("file", "x\n");
  delivery.place.link(outside.path("file"), "example.org/pat/subscriptions");
  into("d");
  BOOST_TEST(outside.read("file") == "x\n");
  BOOST_TEST(!delivery.place.has("example.org/pat/subscriptions.lock"));
}

BOOST_AUTO_TEST_CASE(a_mailbox_in_a_home_is_created_and_synced_up_to_the_home) {
  Delivery delivery;
  TemporaryDirectory homes;
  homes.make("pat");
  auto spool = delivery.open().value();
  auto mailbox = Delivery::named("pat", true);
  mailbox.base = homes.path("pat");
  mailbox.path = "mail/Maildir";
  BOOST_REQUIRE(delivery.deliver(*spool, {mailbox}).ok());
  BOOST_TEST(homes.names("pat/mail/Maildir") == (std::set<std::string>{"cur", "new", "tmp"}));
  BOOST_TEST(homes.names("pat/mail/Maildir/new").size() == 1u);
  // A missing home is not created, because its disk may not be mounted.
  mailbox.base = homes.path("kim");
  BOOST_TEST(delivery.deliver(*spool, {mailbox}).error().code == ENOENT);
  BOOST_TEST(homes.names(".") == std::set<std::string>{"pat"});
  // The owner of a home can plant links in it without effect.
  homes.link("/tmp", "pat/Maildir");
  mailbox.base = homes.path("pat");
  mailbox.path = "Maildir";
  BOOST_TEST(delivery.deliver(*spool, {mailbox}).error().code == ELOOP);
}

BOOST_AUTO_TEST_CASE(links_planted_in_the_spool_are_not_followed_R2) {
  struct Plant {
    const char* name;
    const char* target;
  };
  for (Plant plant : {Plant{"example.org", ""}, Plant{"example.org/pat", ""},
                      Plant{"example.org/pat/new", ""}, Plant{"example.org/pat/tmp", ""}}) {
    for (bool create : {false, true}) {
      TemporaryDirectory outside;
      outside.make("pat/new");
      outside.make("new");
      outside.make("tmp");
      Delivery delivery;
      auto spool = delivery.open().value();
      auto mailbox = delivery.mailbox("pat");
      mailbox.create = create;
      delivery.files.fault = no_links(EXDEV);  // so that tmp is used
      std::filesystem::remove_all(delivery.place.path(plant.name));
      delivery.place.link(outside.path(), plant.name);
      BOOST_TEST_CONTEXT(plant.name) {
        BOOST_TEST(delivery.deliver(*spool, {mailbox}).error().code == ELOOP);
        for (const char* name : {"pat/new", "new", "tmp"}) {
          BOOST_TEST(outside.names(name).empty());
        }
      }
    }
  }
}

#ifdef __linux__
BOOST_AUTO_TEST_CASE(a_mailbox_on_another_filesystem_gets_a_copy) {
  if (::geteuid() != 0) return;
  auto said = in_child([]() -> std::string {
    Delivery delivery;
    auto mailbox = delivery.mailbox("pat");
    auto path = delivery.place.path("example.org/pat");
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", path.c_str(), "tmpfs", 0, "size=1m") != 0) {
      return "cannot mount";
    }
    auto spool = delivery.open().value();
    auto done = delivery.deliver(*spool, {mailbox});
    if (!done) return done.error().describe();
    std::string out = delivery.delivered.front().copied ? "copied " : "linked ";
    auto names = delivery.in_new("pat");
    out += names.size() == 1 && delivery.place.read("example.org/pat/new/" + *names.begin()) ==
                                    std::string(kStored)
               ? "whole "
               : "lost ";
    out += delivery.place.names("example.org/pat/tmp").empty() ? "tidy " : "untidy ";
    // Larger than that filesystem.
    auto full = delivery.deliver(*spool, {mailbox}, "a: b\r\n\r\n" + std::string(4 << 20, 'x'));
    out += full ? "fits " : full.error().code == ENOSPC ? "full " : full.error().describe();
    out += delivery.in_new("pat").size() == 1 && delivery.place.names("example.org/pat/tmp").empty()
               ? "tidy"
               : "untidy";
    ::umount2(path.c_str(), MNT_DETACH);
    return out;
  });
  if (said == "cannot mount") {
    BOOST_TEST_MESSAGE("not allowed to mount a filesystem");
    return;
  }
  BOOST_TEST(said == "copied whole tidy full tidy");
}
#endif

BOOST_AUTO_TEST_SUITE_END()
