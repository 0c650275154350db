// A crowd's folders in staging: who stages there, and that a message in one is found.
#include "spool/crowd_folder.hh"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "delivery.hh"
#include "in_child.hh"
#include "spool/name.hh"

using namespace handoff;

namespace {

// Where a process stages while so many others have a message under way.
std::string staged_among(Delivery& delivery, unsigned others) {
  auto spool = delivery.open().value();
  if (others > 0) {
    static_cast<void>(spool.reserve(1).value());
    return in_child([&] { return staged_among(delivery, others - 1); });
  }
  auto staging = spool.begin(false).value();
  auto folder = spool::crowd_folder_of(staging.name());
  auto found = delivery.staged();
  if (found == std::set<std::string>{staging.name()}) return "staging/NAME";
  if (found == std::set<std::string>{folder + "/" + staging.name()}) return "staging/FOLDER/NAME";
  return std::to_string(found.size()) + " files";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_crowd_folder)

BOOST_AUTO_TEST_CASE(it_is_the_same_for_all_names_of_a_process) {
  spool::NameMaker maker("a.host");
  auto folder = spool::crowd_folder_of(maker.next());
  BOOST_TEST(folder == spool::crowd_folder_of(maker.next()));
  BOOST_TEST(spool::is_crowd_folder(folder));
  BOOST_TEST(spool::crowd_folder_of("1764000000.M1P2Q3R1f0c9a7e.host") == "7e");
  for (const char* other : {"", "7e", "stray", "1764000000.M1P2Q3.host", "../R1f0c9a7e.host"}) {
    BOOST_TEST(spool::crowd_folder_of(other) == "", other);
  }
  for (const char* other : {"", "7", "7E", "7e1", "..", "/e"}) {
    BOOST_TEST(!spool::is_crowd_folder(other), other);
  }
}

BOOST_AUTO_TEST_CASE(few_stage_in_staging_itself_and_a_crowd_in_folders) {
  Delivery delivery;
  auto where = [&](unsigned others) {
    return in_child([&] { return staged_among(delivery, others); });
  };
  BOOST_TEST(where(0) == "staging/NAME");
  BOOST_TEST(where(3) == "staging/NAME");
  BOOST_TEST(where(4) == "staging/FOLDER/NAME");
  BOOST_TEST(where(3) == "staging/NAME");
  BOOST_TEST(delivery.staged().empty());
}

BOOST_AUTO_TEST_CASE(where_no_folder_can_be_made_staging_itself_does) {
  Delivery delivery;
  delivery.crowd = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  delivery.files.fault = [](const Call& call) {
    bool folder = call.op == Op::kMakeDirectory && call.path.starts_with(".handoff/staging");
    return folder ? ENOSPC : 0;
  };
  BOOST_TEST(delivery.deliver(spool, {pat}).ok());
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
  BOOST_TEST(delivery.place.names(".handoff/staging").empty());
}

BOOST_AUTO_TEST_CASE(what_a_crowd_left_may_come_again_L12) {
  Delivery delivery;
  delivery.guard = delivery.crowd = true;
  auto left = in_child([&] {
    auto spool = delivery.open().value();
    auto staging = spool.begin(false).value();
    staging.leave();
    return staging.name().empty() ? *delivery.staged().begin() : "nothing";
  });
  auto name = left.substr(left.find('/') + 1);
  auto spool = delivery.open().value();
  BOOST_TEST(spool.sweep().value().removed == 1u);
  BOOST_TEST(delivery.place.names(".handoff/unread") == std::set<std::string>{name + ",S=0"});
}

// No room for a file that notes it: a link to the staged one does.
BOOST_AUTO_TEST_CASE(an_unread_message_of_a_crowd_is_noted_by_a_link_where_there_is_no_inode_L12) {
  Delivery delivery;
  delivery.guard = delivery.crowd = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  {
    auto staging = spool.begin(false).value();
    BOOST_REQUIRE(staging.append("a: b\r\n\r\nbody\r\n").ok());
    BOOST_REQUIRE(spool.complete(staging, {pat.place()}).ok());
    BOOST_REQUIRE(spool.commit(staging, pat, "").ok());
    spool.replied();
    delivery.files.fault = [](const Call& call) {
      return call.op == Op::kCreate && call.path.starts_with(".handoff/unread") ? ENOSPC : 0;
    };
    BOOST_TEST(spool.vanished(staging).ok());
  }
  BOOST_TEST(delivery.place.names(".handoff/unread").size() == 1u);
  BOOST_TEST(delivery.staged().empty());
}

BOOST_AUTO_TEST_SUITE_END()
