// The spool on a filesystem that several hosts can use: one host has it, and one that lost it
// publishes nothing.
#include "spool/lease.hh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>

#include "delivery.hh"

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
  Status take(Lease& lease, const Server& by) {
    return lease.take(lease.holder().value(), by,
                      [&](const std::string& name, std::uint64_t size) -> Status {
                        recorded.insert(name + " " + std::to_string(size));
                        return {};
                      });
  }
  std::string token() { return *delivery.place.names(".handoff/hosts").begin(); }
  // This host's server, as a Spool sees it.
  Server here() {
    auto directory = delivery.files.open_root(run.path()).value();
    sys::Fd file;
    return {sys::this_host(), "", spool::server_id(delivery.files, directory, file).value()};
  }
  Result<std::unique_ptr<spool::Spool>> open_spool(bool visit = false) {
    return spool::Spool::open(
        delivery.files,
        {.path = delivery.place.path(), .host = "host", .run = run.path(), .visit = visit});
  }

  Delivery delivery;
  TemporaryDirectory run;
  sys::Fd root = delivery.files.open_root(delivery.place.path()).value();
  sys::Fd own;
  std::set<std::string> recorded;
};

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
  auto record = [](const std::string&, std::uint64_t) -> Status { return {}; };
  BOOST_TEST(one.take(free, server("one"), record).ok());
  auto late = two.take(free, server("two"), record);
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
  BOOST_REQUIRE(shared.take(two, server("two")).ok());
  BOOST_TEST(shared.recorded ==
                 (std::set<std::string>{kName + " 5", "1764000000.M123457P4711Q2R1f0c9a7e.one 1"}),
             boost::test_tools::per_element());
  BOOST_TEST(shared.delivery.place.names(".handoff/hosts/two.2/staging").empty());
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
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, shared.here()).ok());
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
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, shared.here()).ok());
  auto pat = shared.delivery.mailbox("pat");
  auto spool = shared.open_spool().value();
  shared.delivery.files.calls.clear();
  BOOST_REQUIRE(shared.delivery.deliver(*spool, {pat}).ok());
  auto actions = shared.delivery.actions();
  auto at = ".handoff/" + Lease::staging_of(shared.token());
  auto has = [&](const std::string& begin, const std::string& end) {
    return std::ranges::any_of(actions, [&](const auto& action) {
      return action.starts_with(begin) && action.ends_with(end);
    });
  };
  BOOST_TEST(has("rename " + at + "/X,L=", "-> example.org/pat/new/X,S"));
  BOOST_TEST(has("sync file example.org/pat/new/X,S", ""));
  BOOST_TEST(has("sync example.org/pat/new", ""));
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
      auto lease = shared.open();
      BOOST_REQUIRE(shared.take(lease, shared.here()).ok());
      auto pat = shared.delivery.mailbox("pat");
      auto spool = shared.open_spool().value();
      auto message = complete_message(*spool, {pat}, kMessage);
      auto two = shared.open();
      BOOST_REQUIRE(shared.take(two, server("two")).ok());
      BOOST_TEST(shared.recorded.size() == 1u);
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
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, shared.here()).ok());
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
  auto lease = shared.open();
  BOOST_REQUIRE(shared.take(lease, shared.here()).ok());
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
    auto lease = shared.open();
    BOOST_REQUIRE(shared.take(lease, shared.here()).ok());
    auto pat = shared.delivery.mailbox("pat");
    auto spool = shared.open_spool().value();
    shared.delivery.files.fault = [&](const Call& call) { return call.op == Op::kLink ? code : 0; };
    BOOST_REQUIRE(shared.delivery.deliver(*spool, {pat}).ok());
    BOOST_TEST(shared.delivery.delivered.front().copied);
    BOOST_TEST(shared.delivery.in_new("pat").size() == 1u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
