// The spool on a filesystem that several hosts can use: one host has it, and one that lost it
// publishes nothing.
#include "spool/lease.hh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>

#include "planned.hh"
#include "shared_spool.hh"
#include "spool/waiting.hh"

using namespace handoff;
using spool::Lease;
using spool::Server;

namespace {

Server server(const std::string& name, const std::string& id = "1:2") {
  return {{name, "machine-" + name, "boot", {}}, "mail", id};
}

// A shared spool, and the run directory of this host.
struct SharedSpool {
  SharedSpool() {
    delivery.files.shared = true;
    delivery.place.make(".handoff");
    own = delivery.files.open_directory(root, ".handoff").value();
  }

  Lease open() { return Lease::open(delivery.files, own).value(); }
  static Result<std::size_t> take(Lease& lease, const Server& by) {
    return lease.take(lease.holder().value(), by);
  }
  std::string token() { return *delivery.place.names(".handoff/hosts").begin(); }
  // This host's server, as a Spool sees it; the other one has the run directory `other_run`.
  Server here() { return server_in(delivery, run); }
  Server other() { return server_in(delivery, other_run); }
  Result<std::unique_ptr<spool::Spool>> open_spool(bool visit = false) {
    return ::open_spool(delivery, run, visit);
  }
  Result<std::unique_ptr<spool::Spool>> open_others() { return ::open_spool(delivery, other_run); }
  // This host gets the spool.
  Lease take_here() {
    auto lease = open();
    BOOST_REQUIRE(take(lease, here()).ok());
    return lease;
  }
  bool has_action(const std::string& begin, const std::string& end = "") {
    return std::ranges::any_of(delivery.actions(), [&](const auto& action) {
      return action.starts_with(begin) && action.ends_with(end);
    });
  }

  Delivery delivery;
  TemporaryDirectory run, other_run;
  sys::Fd root = delivery.files.open_root(delivery.place.path()).value();
  sys::Fd own;
};

// Carries out `plan`, and calls `stop` after the copy, before the rest and the record.
class InterruptedDestination final : public spool::Destination {
 public:
  InterruptedDestination(Plan plan, std::function<void()> stop)
      : plan_(std::move(plan)), stop_(std::move(stop)) {}
  Result<std::optional<spool::Delivered>> link(spool::Message& message, std::string_view) override {
    auto linked = message.link_into(plan_.mailbox, "");
    if (!linked || !linked.value()) return linked;
    auto done = rest(message);
    return done ? linked : done.error();
  }
  Result<spool::Delivered> deliver(spool::Message& message, std::string_view) override {
    auto done = rest(message);
    return done ? Result<spool::Delivered>(spool::Delivered{}) : done.error();
  }

 private:
  Status rest(spool::Message& message) {
    for (const auto& each : plan_.outgoing) {
      if (auto done = message.queue("key", each); !done) return done;
    }
    stop_();
    return message.record("key");
  }

  Plan plan_;
  std::function<void()> stop_;
};

// `after` is called while the message exists.
Outcomes interrupt(spool::Spool& spool, const Plan& plan, const std::function<void()>& stop,
                   const std::function<void()>& after = {}) {
  auto message = complete_message(spool, {plan.mailbox}, kMessage);
  InterruptedDestination destination(plan, stop);
  Outcomes outcomes;
  message.deliver(
      {{&destination, ""}},
      {.may_wait = [] { return true; },
       .step_done = [](sys::Steady::duration) {},
       .settled = [&](std::size_t, const auto& outcome) { outcomes.push_back(outcome); }});
  if (after) after();
  if (message.is_delivered()) message.replies_written();
  return outcomes;
}

std::size_t count(const Delivery& delivery, const std::string& folder) {
  return delivery.place.names(folder).size();
}

std::size_t to_send(spool::Spool& spool) {
  BOOST_REQUIRE(spool.recover_outgoing().ok());
  auto queue = spool.outgoing().value();
  return queue == nullptr ? 0 : queue->ready().value().size();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_lease)

BOOST_AUTO_TEST_CASE(nobody_has_a_new_spool) {
  SharedSpool shared;
  auto holder = shared.open().holder().value();
  BOOST_TEST(holder.nobody);
  BOOST_TEST(shared.token() == "-.0");
}

BOOST_AUTO_TEST_CASE(a_host_that_takes_the_spool_is_shown_with_its_number) {
  SharedSpool shared;
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, server("one")).ok());
  BOOST_TEST(shared.token() == "one.1");
  auto before = lease.holder().value();
  BOOST_TEST(before.host() == "one");
  BOOST_TEST(before.server.cluster == "mail");
  BOOST_TEST(before.is(server("one")));
  BOOST_TEST(!before.is(server("one", "1:3")));
  BOOST_TEST(!before.is(server("two")));
  BOOST_REQUIRE(lease.beat().ok());
  BOOST_TEST(lease.holder().value().beats == before.beats + 1);
}

BOOST_AUTO_TEST_CASE(of_two_hosts_that_want_the_spool_one_gets_it) {
  SharedSpool shared;
  auto one = shared.open();
  auto two = shared.open();
  auto free = one.holder().value();
  BOOST_TEST(one.take(free, server("one")).ok());
  auto late = two.take(free, server("two"));
  BOOST_REQUIRE(!late.ok());
  BOOST_TEST(late.error().code == ENOENT);
  BOOST_TEST(shared.token() == "one.1");
}

BOOST_AUTO_TEST_CASE(a_host_that_lost_the_spool_learns_it_at_its_next_beat) {
  SharedSpool shared;
  auto one = shared.open();
  auto two = shared.open();
  BOOST_REQUIRE(shared.take(one, server("one")).ok());
  BOOST_REQUIRE(shared.take(two, server("two")).ok());
  BOOST_TEST(shared.token() == "two.2");
  auto beat = one.beat();
  BOOST_REQUIRE(!beat.ok());
  BOOST_CHECK(beat.error().reason == Reason::kSpoolInUse);
  BOOST_TEST(two.beat().ok());
}

BOOST_AUTO_TEST_CASE(a_released_spool_is_nobodys_and_keeps_its_generation) {
  SharedSpool shared;
  auto one = shared.open();
  BOOST_REQUIRE(shared.take(one, server("one")).ok());
  BOOST_REQUIRE(one.release().ok());
  BOOST_TEST(shared.token() == "-.1");
  auto two = shared.open();
  BOOST_REQUIRE(shared.take(two, server("two")).ok());
  BOOST_TEST(shared.token() == "two.2");
}

BOOST_AUTO_TEST_CASE(messages_of_a_host_that_lost_the_spool_are_recorded_and_removed) {
  SharedSpool shared;
  auto one = shared.open();
  BOOST_REQUIRE(shared.take(one, server("one")).ok());
  const std::string kName = "1764000000.M123456P4711Q1R1f0c9a7e.one";
  auto staging = ".handoff/hosts/one.1/staging/";
  shared.delivery.place.write(staging + kName, "12345");
  shared.delivery.place.write(staging + kName + ",L=7", "12345");
  shared.delivery.place.make(std::string(staging) + "7e");
  shared.delivery.place.write(std::string(staging) + "7e/1764000000.M123457P4711Q2R1f0c9a7e.one",
                              "1");
  auto two = shared.open();
  shared.delivery.files.calls.clear();
  BOOST_TEST(shared.take(two, server("two")).value() == 2u);
  BOOST_TEST(
      shared.delivery.place.names(".handoff/unread") ==
          (std::set<std::string>{kName + ",S=5", "1764000000.M123457P4711Q2R1f0c9a7e.one,S=1"}),
      boost::test_tools::per_element());
  BOOST_TEST(shared.delivery.place.names(".handoff/hosts/two.2") ==
                 (std::set<std::string>{"lease", "staging"}),
             boost::test_tools::per_element());
  BOOST_TEST(shared.delivery.place.names(".handoff/hosts/two.2/staging").empty());
  // The new directory is durable too.
  BOOST_TEST(shared.has_action("make directory .handoff/unread"));
  BOOST_TEST(shared.has_action("sync .handoff"));
}

BOOST_AUTO_TEST_CASE(a_takeover_that_was_interrupted_is_completed_by_the_next) {
  const std::string kName = "1764000000.M123456P4711Q1R1f0c9a7e.one";
  auto full_story = [&](std::size_t failing, std::size_t& calls) {
    SharedSpool shared;
    auto one = shared.open();
    BOOST_REQUIRE(shared.take(one, server("one")).ok());
    shared.delivery.place.write(".handoff/hosts/one.1/staging/" + kName, "12345");
    auto& files = shared.delivery.files;
    files.calls.clear();
    files.fault = [&](const Call&) { return files.calls.size() == failing ? EIO : 0; };
    auto two = shared.open();
    if (!shared.take(two, server("two"))) {
      files.fault = {};
      auto three = shared.open();
      BOOST_REQUIRE(shared.take(three, server("three")).ok());
    }
    calls = files.calls.size();
    files.fault = {};
    BOOST_TEST(shared.delivery.place.names(".handoff/unread").contains(kName + ",S=5"));
    BOOST_TEST(count(shared.delivery, ".handoff/hosts/" + shared.token() + "/staging") == 0u);
    BOOST_TEST(!shared.delivery.place.has(".handoff/hosts/" + shared.token() + "/taken"));
  };
  constexpr std::size_t kFirst = 5;  // of take(); holder() makes those before
  std::size_t calls = kFirst + 1;
  for (std::size_t failing = kFirst; failing < calls; ++failing) {
    BOOST_TEST_CONTEXT("call " << failing) { full_story(failing, calls); }
  }
  BOOST_TEST(calls > 20u);
}

// The redirect of a plan that has no record was never acknowledged.
BOOST_AUTO_TEST_CASE(after_a_takeover_only_plans_that_were_carried_out_are_sent_L5) {
  for (bool recorded : {false, true}) {
    SharedSpool shared;
    auto& delivery = shared.delivery;
    delivery.files.hide_birth = true;
    auto lease = shared.take_here();
    Plan plan{delivery.mailbox("pat"), false, {redirect_to("a@x"), vacation_to("b@x")}};
    auto spool = shared.open_spool().value();
    auto two = shared.open();
    auto take_over = [&] { BOOST_REQUIRE(shared.take(two, shared.other()).ok()); };
    Outcomes outcomes;
    if (recorded) {
      // The host is lost when it has made the record, before it allows the messages to be sent.
      delivery.files.fault = [](const Call& call) {
        return call.op == Op::kLink && call.target.ends_with(",ready") ? EIO : 0;
      };
      outcomes = interrupt(
          *spool, plan, [] {},
          [&] {
            delivery.files.fault = {};
            take_over();
          });
    } else {
      outcomes = interrupt(*spool, plan, take_over);
    }
    BOOST_TEST(outcomes.front().ok() == recorded);
    auto other = shared.open_others().value();
    BOOST_TEST(to_send(*other) == (recorded ? 2u : 0u));
    BOOST_TEST(count(delivery, ".handoff/done") == (recorded ? 1u : 0u));
    if (!recorded) BOOST_TEST(count(delivery, ".handoff/outgoing") == 0u);
  }
}

// The other host may have answered a retry with 250 because of the copy.
BOOST_AUTO_TEST_CASE(a_host_that_lost_the_spool_removes_no_copy_L5) {
  for (auto sync : {sys::FileSync::kNames, sys::FileSync::kFile}) {
    SharedSpool shared;
    auto& delivery = shared.delivery;
    delivery.files.hide_birth = true;
    delivery.files.sync = sync;
    auto lease = shared.take_here();
    auto pat = delivery.mailbox("pat");
    auto spool = shared.open_spool().value();
    auto two = shared.open();
    if (sync == sys::FileSync::kNames) {
      auto outcomes = interrupt(*spool, {pat, true, {}},
                                [&] { BOOST_REQUIRE(shared.take(two, shared.other()).ok()); });
      BOOST_TEST(!outcomes.front().ok());
    } else {
      // The copy has its name, and the sync fails.
      bool taken = false;
      delivery.files.fault = [&](const Call& call) {
        if (call.op != Op::kSyncFile || !call.path.starts_with("example.org/") || taken) return 0;
        taken = true;
        BOOST_REQUIRE(shared.take(two, shared.other()).ok());
        return EIO;
      };
      BOOST_TEST(!delivery.deliver(*spool, {pat}).ok());
      BOOST_TEST(taken);
    }
    BOOST_TEST(delivery.in_new("pat").size() == 1u);
  }
}

// Its ledger does not show the processes of the other host.
BOOST_AUTO_TEST_CASE(a_host_that_lost_the_spool_decides_about_no_message_to_send_L5) {
  SharedSpool shared;
  auto one = shared.open();
  BOOST_REQUIRE(shared.take(one, shared.here()).ok());
  Plan plan{shared.delivery.mailbox("pat"), false, {vacation_to("a@x")}};
  auto earlier = shared.open_spool().value();
  BOOST_TEST(to_send(*earlier) == 0u);
  auto two = shared.open();
  BOOST_REQUIRE(shared.take(two, shared.other()).ok());
  auto other = shared.open_others().value();
  auto outcomes = interrupt(*other, plan, [&] { BOOST_TEST(to_send(*earlier) == 0u); });
  BOOST_TEST(outcomes.front().ok());
  BOOST_TEST(to_send(*other) == 1u);
}

BOOST_AUTO_TEST_CASE(a_host_that_has_the_spool_removes_the_copy_of_a_plan_that_fails_R5) {
  SharedSpool shared;
  auto& delivery = shared.delivery;
  delivery.files.hide_birth = true;
  delivery.files.sync = sys::FileSync::kNames;
  auto lease = shared.take_here();
  Plan plan{delivery.mailbox("pat"), true, {redirect_to("a@x")}};
  auto spool = shared.open_spool().value();
  delivery.files.fault = [](const Call& call) {
    return call.op == Op::kRename && call.target.starts_with(".handoff/done/") ? EIO : 0;
  };
  BOOST_TEST(!interrupt(*spool, plan, [] {}).front().ok());
  BOOST_TEST(delivery.in_new("pat").empty());
  BOOST_TEST(count(delivery, ".handoff/outgoing") == 0u);
  BOOST_TEST(count(delivery, ".handoff/" + Lease::staging_of(shared.token())) == 0u);
}

BOOST_AUTO_TEST_CASE(on_a_full_disk_a_host_keeps_the_spool) {
  SharedSpool shared;
  auto one = shared.open();
  BOOST_REQUIRE(shared.take(one, server("one")).ok());
  BOOST_REQUIRE(one.beat().ok());
  auto before = one.holder().value();
  shared.delivery.files.fault = [](const Call& call) {
    return call.op == Op::kCreate || call.op == Op::kMakeDirectory ? ENOSPC : 0;
  };
  for (int i = 0; i < 2; ++i) BOOST_REQUIRE(one.beat().ok());
  auto after = one.holder().value();
  BOOST_TEST(after.beats == before.beats + 2);
  BOOST_TEST(after.is(server("one")));
  // Another host does not compete for it.
  auto two = shared.open();
  auto taken = shared.take(two, server("two"));
  BOOST_REQUIRE(!taken.ok());
  BOOST_TEST(taken.error().code == ENOSPC);
  BOOST_TEST(shared.token() == "one.1");
  shared.delivery.files.fault = [](const Call& call) {
    return call.op == Op::kWrite && call.path.starts_with(".handoff/lease.") ? ENOSPC : 0;
  };
  BOOST_TEST(!shared.take(two, server("two")).ok());
  BOOST_TEST(shared.token() == "one.1");
  BOOST_TEST(shared.delivery.place.names(".handoff") == (std::set<std::string>{"hosts"}),
             boost::test_tools::per_element());
}

// fsync of a directory has no effect on GlusterFS.
BOOST_AUTO_TEST_CASE(every_name_of_a_plan_is_synced_with_its_file) {
  SharedSpool shared;
  auto& delivery = shared.delivery;
  auto lease = shared.take_here();
  // The mailbox is young, so the plan has no part in the shared sync.
  std::vector<Plan> plans{
      {delivery.mailbox("pat"), true, {redirect_to("a@x"), vacation_to("b@x")}, {mark_of("b@x")}}};
  // Its age, if the system does not tell when a file was born.
  std::filesystem::last_write_time(delivery.place.path(plans.front().mailbox.path),
                                   std::filesystem::file_time_type::clock::now());
  delivery.files.sync = sys::FileSync::kNames;
  auto spool = shared.open_spool().value();
  delivery.files.calls.clear();
  auto message = complete_message(*spool, mailboxes_of(plans), kMessage);
  BOOST_REQUIRE(carry_out_plans(message, plans).front().ok());
  auto staging = ".handoff/" + Lease::staging_of(shared.token());
  BOOST_TEST(shared.has_action("rename " + staging + "/X,L=", "-> .handoff/outgoing/X,N=1"));
  BOOST_TEST(shared.has_action("rename " + staging + "/X,N=2,new -> .handoff/outgoing/X,N=2,new"));
  BOOST_TEST(shared.has_action("sync file " + staging + "/X,N=1,new"));
  BOOST_TEST(shared.has_action("sync file " + staging + "/X,N=2,new"));
  BOOST_TEST(shared.has_action("sync file .handoff/outgoing/X,N=1,ready"));
  BOOST_TEST(shared.has_action("sync file .handoff/outgoing/X,N=2,ready"));
  BOOST_TEST(shared.has_action("sync file .handoff/outgoing/X,N=1", "N=1"));
  BOOST_TEST(shared.has_action("sync file .handoff/done/X,P="));
  BOOST_TEST(shared.has_action("sync file .handoff/marks/"));
  delivery.files.calls.clear();
  auto& queue = *spool->outgoing().value();
  auto names = queue.ready().value();
  BOOST_REQUIRE(names.size() == 2u);
  BOOST_TEST(queue.sent(names[0]).ok());
  BOOST_TEST(queue.give_up(names[1]).ok());
  BOOST_TEST(shared.has_action("sync file .handoff/outgoing/X,N=1,ready"));
  BOOST_TEST(shared.has_action("sync file .handoff/outgoing/X,N=2,failed"));
  message.replies_written();
  message.replies_read();
}

BOOST_AUTO_TEST_CASE(a_killed_examination_leaves_its_directory_until_the_sweep) {
  SharedSpool shared;
  auto& place = shared.delivery.place;
  auto lease = shared.take_here();
  for (const std::string name : {"visit.1", "visit.2"}) {
    place.make(".handoff/" + name);
    place.write(".handoff/" + name + "/probe.7", "1");
  }
  place.write(".handoff/lease.3", "1");
  auto old =
      std::filesystem::file_time_type::clock::now() - spool::kAbandoned - std::chrono::hours(1);
  for (const std::string name : {"visit.1", "lease.3"}) {
    std::filesystem::last_write_time(place.path(".handoff/" + name), old);
  }
  auto spool = shared.open_spool().value();
  spool::Spool::Sweeping dry;
  std::set<std::string> found;
  dry.dry_run = true;
  dry.found = [&](const std::string& path) { found.insert(path); };
  BOOST_REQUIRE(spool->sweep(dry).ok());
  BOOST_TEST(found == (std::set<std::string>{".handoff/visit.1", ".handoff/lease.3"}),
             boost::test_tools::per_element());
  auto swept = spool->sweep().value();
  BOOST_TEST(swept.removed == 2u);
  BOOST_TEST(swept.kept == 1u);
  BOOST_TEST(place.names(".handoff") == (std::set<std::string>{"hosts", "unread", "visit.2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_server_that_waits_is_shown_as_long_as_it_lives) {
  sys::Files files;
  TemporaryDirectory place;
  auto run = [&] { return files.open_root(place.path()).value(); };
  BOOST_TEST(!spool::Waiting::host(files, run()).has_value());
  {
    spool::Waiting waiting(files, run(), "one.test");
    BOOST_TEST(spool::Waiting::host(files, run()).value_or("") == "one.test");
  }
  BOOST_TEST(place.names("").empty());
  // A process that was killed leaves the file behind.
  place.write("waiting", "one.test");
  place.write("waiting.new", "one.test");
  BOOST_TEST(!spool::Waiting::host(files, run()).has_value());
  spool::Waiting waiting(files, run(), "two.test");
  BOOST_TEST(spool::Waiting::host(files, run()).value_or("") == "two.test");
}

BOOST_AUTO_TEST_CASE(a_spool_that_no_server_of_this_host_has_is_not_opened) {
  SharedSpool shared;
  auto nobody = shared.open_spool();
  BOOST_REQUIRE(!nobody.ok());
  BOOST_CHECK(nobody.error().reason == Reason::kSpoolInUse);
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, server("other")).ok());
  auto others = shared.open_spool();
  BOOST_REQUIRE(!others.ok());
  BOOST_CHECK(others.error().reason == Reason::kSpoolInUse);
  BOOST_TEST(others.error().what.find("host other") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_worker_whose_host_has_the_spool_starts_although_the_lease_is_not_yet_there) {
  SharedSpool shared;
  auto lease = shared.take_here();
  int looks = 0;
  shared.delivery.files.fault = [&](const Call& call) {
    return call.op == Op::kOpenFile && call.path.ends_with("/lease") && ++looks < 3 ? ENOENT : 0;
  };
  BOOST_TEST(shared.open_spool().ok());
  BOOST_TEST(looks == 3);
}

BOOST_AUTO_TEST_CASE(a_visitor_needs_no_lease_and_leaves_nothing) {
  SharedSpool shared;
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, server("other")).ok());
  {
    auto spool = shared.open_spool(true).value();
    auto message = spool->begin(false).value();
    BOOST_REQUIRE(message.append(kMessage).ok());
    BOOST_REQUIRE(message.complete({}).ok());
  }
  BOOST_TEST(shared.delivery.place.names(".handoff") == (std::set<std::string>{"hosts", "unread"}),
             boost::test_tools::per_element());
  BOOST_TEST(shared.delivery.place.names(".handoff/unread").empty());
}

BOOST_AUTO_TEST_CASE(a_probe_that_was_killed_leaves_no_marker) {
  Delivery delivery;
  delivery.guard = true;
  {
    auto spool = delivery.open().value();
    BOOST_TEST(spool->probe().ok());
    BOOST_TEST(delivery.staged().empty());
    // As if the process had been killed before it removed the file.
    delivery.files.fault = [](const Call& call) { return call.op == Op::kUnlink ? EIO : 0; };
    BOOST_TEST(!spool->probe().ok());
    delivery.files.fault = {};
  }
  auto spool = delivery.open().value();
  auto left = delivery.staged();
  BOOST_REQUIRE(left.size() == 1u);
  std::filesystem::last_write_time(
      delivery.place.path(".handoff/staging/" + *left.begin()),
      std::filesystem::file_time_type::clock::now() - spool::kAbandoned - std::chrono::hours(1));
  BOOST_TEST(spool->sweep().value().removed == 1u);
  BOOST_TEST(delivery.staged().empty());
  BOOST_TEST(delivery.place.names(".handoff/unread").empty());
}

BOOST_AUTO_TEST_CASE(a_message_is_published_by_a_rename_and_synced_through_its_file) {
  SharedSpool shared;
  shared.delivery.files.hide_birth = true;
  auto lease = shared.take_here();
  auto pat = shared.delivery.mailbox("pat");
  auto spool = shared.open_spool().value();
  shared.delivery.files.calls.clear();
  BOOST_REQUIRE(shared.delivery.deliver(*spool, {pat}).ok());
  auto at = ".handoff/" + Lease::staging_of(shared.token());
  BOOST_TEST(shared.has_action("rename " + at + "/X,L=", "-> example.org/pat/new/X,S"));
  BOOST_TEST(shared.has_action("sync file example.org/pat/new/X,S"));
  BOOST_TEST(shared.has_action("sync example.org/pat/new"));
  BOOST_TEST(shared.delivery.in_new("pat").size() == 1u);
  BOOST_TEST(shared.delivery.place.names(at).empty());
  BOOST_TEST(!shared.delivery.place.has(".handoff/ledger"));
  BOOST_TEST(shared.run.has("ledger"));
}

BOOST_AUTO_TEST_CASE(a_host_that_lost_the_spool_publishes_nothing) {
  for (auto sync : {sys::FileSync::kFile, sys::FileSync::kNames}) {
    for (const std::string_view personal : {"", "Delivered-To: pat\r\n"}) {
      SharedSpool shared;
      shared.delivery.files.hide_birth = true;
      shared.delivery.files.sync = sync;
      auto lease = shared.take_here();
      auto pat = shared.delivery.mailbox("pat");
      auto spool = shared.open_spool().value();
      auto message = complete_message(*spool, {pat}, kMessage);
      auto two = shared.open();
      BOOST_REQUIRE(shared.take(two, server("two")).ok());
      BOOST_TEST(shared.delivery.place.names(".handoff/unread").size() == 1u);
      auto outcomes = deliver_to(message, {pat}, personal);
      BOOST_TEST(!outcomes.front().ok());
      BOOST_TEST(shared.delivery.in_new("pat").empty());
      BOOST_TEST(!spool->begin(false).ok());
      BOOST_TEST(spool->gone().has_value());
    }
  }
}

// The connection to the storage is lost after the server has renamed the file and before it
// replies.
BOOST_AUTO_TEST_CASE(a_rename_whose_outcome_is_unknown_is_found_by_a_retry) {
  SharedSpool shared;
  auto& delivery = shared.delivery;
  delivery.files.hide_birth = true;
  delivery.files.sync = sys::FileSync::kNames;
  auto lease = shared.take_here();
  auto pat = delivery.mailbox("pat");
  auto spool = shared.open_spool().value();
  bool lost = false;
  delivery.files.fault = [&](const Call& call) {
    if (call.op == Op::kRename && !lost) {
      std::filesystem::rename(delivery.place.path(call.path), delivery.place.path(call.target));
      lost = true;
    }
    return lost ? ENOTCONN : 0;
  };
  BOOST_TEST(!delivery.deliver(*spool, {pat}).ok());
  delivery.files.fault = {};
  BOOST_REQUIRE(delivery.in_new("pat").size() == 1u);
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.delivered.front().already);
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
}

// On GlusterFS, if the replica from which the list comes lacks the name.
BOOST_AUTO_TEST_CASE(a_retry_finds_a_name_that_is_missing_in_the_list) {
  SharedSpool shared;
  auto& delivery = shared.delivery;
  delivery.files.hide_birth = true;
  auto lease = shared.take_here();
  auto pat = delivery.mailbox("pat");
  auto spool = shared.open_spool().value();
  auto message = complete_message(*spool, {pat}, kMessage);
  BOOST_REQUIRE(deliver_to(message, {pat}).front().ok());
  message.replies_written();
  BOOST_REQUIRE(message.replies_unread().ok());
  delivery.files.hidden = "example.org/pat/new";
  BOOST_REQUIRE(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.delivered.front().already);
}

BOOST_AUTO_TEST_CASE(a_link_that_fails_with_space_free_becomes_a_copy) {
  for (int code : {ENOSPC, EMLINK}) {
    SharedSpool shared;
    shared.delivery.files.hide_birth = true;
    auto lease = shared.take_here();
    auto pat = shared.delivery.mailbox("pat");
    auto spool = shared.open_spool().value();
    shared.delivery.files.fault = [&](const Call& call) { return call.op == Op::kLink ? code : 0; };
    BOOST_REQUIRE(shared.delivery.deliver(*spool, {pat}).ok());
    BOOST_TEST(shared.delivery.delivered.front().copied);
    BOOST_TEST(shared.delivery.in_new("pat").size() == 1u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
