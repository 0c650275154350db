// The spool is no longer where spool.path says, or its folders are gone: nothing is delivered, and
// the error contains the reason.
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "delivery.hh"

using namespace handoff;
namespace fs = std::filesystem;

namespace {

// Moves the spool away and puts an empty directory in its place. Returns the new path of the old
// directory.
std::string replace(const Delivery& delivery) {
  auto moved = delivery.place.path() + ".moved";
  fs::rename(delivery.place.path(), moved);
  fs::create_directory(delivery.place.path());
  return moved;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_place)

BOOST_AUTO_TEST_CASE(nothing_is_delivered_into_a_spool_that_was_moved) {
  Delivery delivery;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  BOOST_TEST(!spool->gone());
  auto message = spool->begin(false).value();
  BOOST_REQUIRE(message.append(kMessage).ok());
  auto moved = replace(delivery);
  auto complete = message.complete({pat.place()});
  BOOST_REQUIRE(!complete.ok());
  BOOST_CHECK(complete.error().reason == Reason::kSpoolReplaced);
  BOOST_CHECK(spool->gone().has_value());
  BOOST_TEST(fs::is_empty(moved + "/example.org/pat/new"));
  fs::remove_all(moved);
}

BOOST_AUTO_TEST_CASE(nothing_is_delivered_while_the_spool_is_missing) {
  Delivery delivery;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  auto moved = delivery.place.path() + ".moved";
  auto complete = [&] {
    auto message = spool->begin(false).value();
    BOOST_REQUIRE(message.append(kMessage).ok());
    return message.complete({pat.place()});
  };
  fs::rename(delivery.place.path(), moved);
  auto here = complete();
  BOOST_REQUIRE(!here.ok());
  BOOST_CHECK(here.error().reason == Reason::kSpoolMissing);
  BOOST_TEST(here.error().what == "the directory was moved or removed while the server ran");
  BOOST_TEST(!spool->gone());
  fs::rename(moved, delivery.place.path());
  BOOST_TEST(complete().ok());
  // Then another directory is there.
  fs::rename(delivery.place.path(), moved);
  BOOST_TEST(!spool->check_place().ok());
  fs::create_directory(delivery.place.path());
  BOOST_CHECK(spool->check_place().error().reason == Reason::kSpoolReplaced);
  BOOST_CHECK(spool->gone().has_value());
  fs::remove_all(moved);
}

BOOST_AUTO_TEST_CASE(a_removed_folder_is_reported_as_the_cause_of_a_failure) {
  for (const char* folder : {".handoff", ".handoff/staging"}) {
    Delivery delivery;
    auto spool = delivery.open().value();
    fs::remove_all(delivery.place.path(folder));
    auto message = spool->begin(false);
    BOOST_REQUIRE(!message.ok());
    BOOST_CHECK(message.error().reason == Reason::kSpoolFolderGone);
    BOOST_TEST(message.error().what ==
               "the folder " + std::string(folder) + " was removed while the server ran");
  }
}

BOOST_AUTO_TEST_CASE(a_failure_keeps_its_cause_if_all_folders_are_in_place) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto error = spool->cause_of({EIO, "fsync", "x"});
  BOOST_TEST(error.describe() == Error({EIO, "fsync", "x"}).describe());
  BOOST_TEST(!spool->gone());
}

BOOST_AUTO_TEST_SUITE_END()
