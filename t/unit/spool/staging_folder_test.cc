// The folders of processes in staging: when they are used, and how a message in one is found.
#include "spool/staging_folder.hh"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "delivery.hh"
#include "in_child.hh"
#include "spool/name.hh"

using namespace handoff;

namespace {

// Returns the folder in which a process stages if this many other messages are in progress.
std::string staged_among(Delivery& delivery, unsigned others) {
  auto spool = delivery.open().value();
  if (others > 0) {
    auto room = spool->reserve(1).value();
    return in_child([&] { return staged_among(delivery, others - 1); });
  }
  auto message = spool->begin(false).value();
  auto found = delivery.staged();
  if (found.size() != 1) return std::to_string(found.size()) + " files";
  auto name = found.begin()->substr(found.begin()->find('/') + 1);
  if (spool::id_of(name) != message.id()) return "another message";
  if (found.contains(name)) return "staging/NAME";
  bool own = found.contains(spool::staging_folder_of(name) + "/" + name);
  return own ? "staging/FOLDER/NAME" : *found.begin();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_staging_folder)

BOOST_AUTO_TEST_CASE(the_folder_is_the_same_for_all_names_of_a_process) {
  spool::NameMaker maker("a.host");
  auto folder = spool::staging_folder_of(maker.next());
  BOOST_TEST(folder == spool::staging_folder_of(maker.next()));
  BOOST_TEST(spool::is_staging_folder(folder));
  BOOST_TEST(spool::staging_folder_of("1764000000.M1P2Q3R1f0c9a7e.host") == "7e");
  for (const char* other : {"", "7e", "stray", "1764000000.M1P2Q3.host", "../R1f0c9a7e.host"}) {
    BOOST_TEST(spool::staging_folder_of(other) == "", other);
  }
  for (const char* other : {"", "7", "7E", "7e1", "..", "/e"}) {
    BOOST_TEST(!spool::is_staging_folder(other), other);
  }
}

BOOST_AUTO_TEST_CASE(few_processes_use_staging_itself_and_many_use_folders_in_it) {
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

BOOST_AUTO_TEST_CASE(if_no_folder_can_be_created_staging_itself_is_used) {
  Delivery delivery;
  delivery.own_staging = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  delivery.files.fault = [](const Call& call) {
    bool folder = call.op == Op::kMakeDirectory && call.path.starts_with(".handoff/staging");
    return folder ? ENOSPC : 0;
  };
  BOOST_TEST(delivery.deliver(*spool, {pat}).ok());
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
  BOOST_TEST(delivery.place.names(".handoff/staging").empty());
}

BOOST_AUTO_TEST_CASE(a_message_left_in_a_process_folder_is_recorded_as_unread_L12) {
  Delivery delivery;
  delivery.guard = delivery.own_staging = true;
  auto left = in_child([&] {
    auto spool = delivery.open().value();
    // Never destroyed, as in a crash.
    auto* message = new spool::Message(spool->begin(false).value());
    return message->id().empty() ? "nothing" : *delivery.staged().begin();
  });
  auto name = left.substr(left.find('/') + 1);
  auto spool = delivery.open().value();
  BOOST_TEST(spool->sweep().value().removed == 1u);
  BOOST_TEST(delivery.place.names(".handoff/unread") == std::set<std::string>{name + ",S=0"});
}

// If there is no room for the marker's file, a link to the staged file is the marker.
BOOST_AUTO_TEST_CASE(an_unread_message_in_a_folder_is_recorded_by_a_link_if_no_inode_is_free_L12) {
  Delivery delivery;
  delivery.guard = delivery.own_staging = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  {
    auto message = complete_message(*spool, {pat}, kMessage);
    BOOST_REQUIRE(deliver_to(message, {pat})[0].ok());
    message.replies_written();
    delivery.files.fault = [](const Call& call) {
      return call.op == Op::kCreate && call.path.starts_with(".handoff/unread") ? ENOSPC : 0;
    };
    BOOST_TEST(message.replies_unread().ok());
  }
  BOOST_TEST(delivery.place.names(".handoff/unread").size() == 1u);
  BOOST_TEST(delivery.staged().empty());
}

BOOST_AUTO_TEST_SUITE_END()
