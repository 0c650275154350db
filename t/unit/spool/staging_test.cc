// A message being received: its file on disk, which is removed with the object.
#include "spool/staging.hh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>

#include "delivery.hh"

using namespace handoff;
using spool::Staging;

namespace {

struct Stage : Delivery {
  // The staging folder of an open spool, as Spool uses it.
  std::unique_ptr<spool::Spool> spool = open().value();
  sys::Fd root = files.open_root(place.path()).value();
  sys::Fd folder = files.open_directory(root, ".handoff/staging").value();
  spool::NameMaker names{"host"};

  Staging begin(bool exact = false) {
    return Staging::create(files, folder, names.next(), exact).value();
  }
  std::string content(const Staging& staging) {
    return place.read(".handoff/staging/" + staging.name());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_staging)

BOOST_AUTO_TEST_CASE(the_staging_area_is_for_its_owner_alone) {
  Stage stage;
  BOOST_TEST(stage.place.mode(".handoff") == 0700u);
  BOOST_TEST(stage.place.mode(".handoff/staging") == 0700u);
  auto staging = stage.begin();
  BOOST_TEST(stage.place.mode(".handoff/staging/" + staging.name()) == 0600u);
}

BOOST_AUTO_TEST_CASE(lines_are_stored_with_lf_and_the_reported_size_is_that_on_disk_S8) {
  Stage stage;
  auto staging = stage.begin();
  for (auto piece : {"a: b\r", "\n\r\nbo", "dy\r\n\r"}) BOOST_TEST(staging.append(piece).ok());
  BOOST_TEST(staging.end_content().ok());
  BOOST_TEST(staging.complete().ok());
  BOOST_TEST(stage.content(staging) == "a: b\n\nbody\n\r");
  BOOST_TEST(staging.size() == stage.content(staging).size());
}

BOOST_AUTO_TEST_CASE(binary_content_is_stored_to_the_octet_X6) {
  Stage stage;
  auto staging = stage.begin(true);
  BOOST_TEST(staging.append("a\r\nb\rc\n").ok());
  BOOST_TEST(staging.end_content().ok());
  BOOST_TEST(staging.complete().ok());
  BOOST_TEST(stage.content(staging) == "a\r\nb\rc\n");
  BOOST_TEST(staging.size() == 7u);
}

BOOST_AUTO_TEST_CASE(content_larger_than_any_buffer_is_stored_completely_S8) {
  for (bool binary : {false, true}) {
    Stage stage;
    auto staging = stage.begin(binary);
    std::string sent;
    std::string stored;
    for (int i = 0; i < 40000; ++i) {
      auto line = std::string(static_cast<std::size_t>(i % 80), 'x');
      sent += line + "\r\n";
      stored += line + (binary ? "\r\n" : "\n");
    }
    BOOST_TEST(staging.append(std::string_view(sent).substr(0, 1000001)).ok());
    BOOST_TEST(staging.append(std::string_view(sent).substr(1000001)).ok());
    BOOST_TEST(staging.end_content().ok());
    BOOST_TEST(staging.complete().ok());
    BOOST_TEST((stage.content(staging) == stored));
    BOOST_TEST(staging.size() == stored.size());
  }
}

BOOST_AUTO_TEST_CASE(content_is_written_in_pieces_and_not_buffered_S8) {
  Stage stage;
  auto staging = stage.begin();
  for (int i = 0; i < 64; ++i) BOOST_TEST(staging.append(std::string(64 << 10, 'x')).ok());
  std::size_t largest = 0;
  for (const auto& call : stage.files.calls) largest = std::max(largest, call.octets.size());
  BOOST_TEST(largest > 0u);
  BOOST_TEST(largest <= std::size_t{512} << 10);
}

BOOST_AUTO_TEST_CASE(a_small_message_takes_a_single_write) {
  Stage stage;
  auto staging = stage.begin();
  stage.files.calls.clear();
  for (int i = 0; i < 100; ++i) BOOST_TEST(staging.append("line\r\n").ok());
  BOOST_TEST(staging.end_content().ok());
  BOOST_TEST(staging.complete().ok());
  BOOST_TEST(stage.actions() == (std::vector<std::string>{"write .handoff/staging/X",
                                                          "sync data .handoff/staging/X",
                                                          "close .handoff/staging/X"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_empty_message_is_stored_too) {
  Stage stage;
  auto staging = stage.begin();
  BOOST_TEST(staging.end_content().ok());
  BOOST_TEST(staging.complete().ok());
  BOOST_TEST(staging.size() == 0u);
}

BOOST_AUTO_TEST_CASE(the_name_is_removed_with_the_object_and_moves_with_it) {
  Stage stage;
  {
    std::optional<Staging> moved;
    {
      auto staging = stage.begin();
      BOOST_TEST(staging.append("x").ok());
      moved.emplace(std::move(staging));
    }
    BOOST_TEST(stage.staged().size() == 1u);
    BOOST_TEST(moved->end_content().ok());
    BOOST_TEST(moved->complete().ok());
    BOOST_TEST(stage.content(*moved) == "x");
  }
  BOOST_TEST(stage.staged().empty());
}

BOOST_AUTO_TEST_CASE(every_failed_call_is_an_error_and_a_failed_sync_is_not_tried_again_R5) {
  for (Op op : {Op::kCreate, Op::kWrite, Op::kSyncData, Op::kClose}) {
    Stage stage;
    stage.files.fault = [&](const Call& call) { return call.op == op ? ENOSPC : 0; };
    auto done = stage.deliver(*stage.spool, {});
    BOOST_TEST(!done.ok(), name_of(op));
    BOOST_TEST(done.error().code == ENOSPC);
    BOOST_TEST(stage.staged().empty());
    auto calls = stage.files.calls;
    auto count = std::ranges::count_if(calls, [&](const Call& call) { return call.op == op; });
    BOOST_TEST(count == 1);
  }
}

BOOST_AUTO_TEST_CASE(the_staging_area_is_synced_when_it_is_created) {
  Delivery delivery;
  BOOST_REQUIRE(delivery.open().ok());
  BOOST_TEST(delivery.actions() ==
                 (std::vector<std::string>{"make directory .handoff", "sync .",
                                           "make directory .handoff/staging", "sync .handoff",
                                           "make directory .handoff/unread", "sync .handoff"}),
             boost::test_tools::per_element());
  delivery.files.calls.clear();
  BOOST_REQUIRE(delivery.open().ok());
  BOOST_TEST(delivery.actions().empty());
}

BOOST_AUTO_TEST_CASE(a_missing_spool_or_one_full_of_links_is_an_error_R2) {
  TemporaryDirectory outside;
  Delivery missing;
  std::filesystem::remove(missing.place.path());
  BOOST_TEST(missing.open().error().code == ENOENT);
  Delivery planted;
  planted.place.link(outside.path(), ".handoff");
  BOOST_TEST(planted.open().error().code == ELOOP);
  Delivery deeper;
  deeper.place.make(".handoff");
  deeper.place.link(outside.path(), ".handoff/staging");
  BOOST_TEST(deeper.open().error().code == ELOOP);
  BOOST_TEST(outside.names("").empty());
}

BOOST_AUTO_TEST_SUITE_END()
