// Room for a message: free space, reserved space, and space for messages of others.
#include "spool/room.hh"

#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>

#include "delivery.hh"
#include "in_child.hh"

using namespace handoff;
using spool::has_room;
using spool::kMoment;
using spool::kMostInAMoment;

BOOST_AUTO_TEST_SUITE(spool_room)

BOOST_AUTO_TEST_CASE(a_message_must_leave_the_reserved_room_X4) {
  sys::Space space{1000, 10000, 50, 100};
  BOOST_TEST(has_room(space, {}, {1000, 1}));
  BOOST_TEST(!has_room(space, {}, {1001, 1}));
  spool::Reserve octets{{200, false}, {}};
  BOOST_TEST(has_room(space, octets, {800, 1}));
  BOOST_TEST(!has_room(space, octets, {801, 1}));
  spool::Reserve per_cent{{5, true}, {}};  // 500 of 10,000 octets
  BOOST_TEST(has_room(space, per_cent, {500, 1}));
  BOOST_TEST(!has_room(space, per_cent, {501, 1}));
  spool::Reserve more_than_is_free{{1001, false}, {}};
  BOOST_TEST(!has_room(space, more_than_is_free, {0, 1}));
}

BOOST_AUTO_TEST_CASE(inodes_are_kept_free_if_the_filesystem_counts_them) {
  sys::Space space{1000, 10000, 50, 100};
  BOOST_TEST(has_room(space, {{}, {49, false}}, {0, 1}));
  BOOST_TEST(!has_room(space, {{}, {50, false}}, {0, 1}));
  BOOST_TEST(has_room(space, {{}, {40, true}}, {0, 10}));
  BOOST_TEST(!has_room(space, {{}, {40, true}}, {0, 11}));
  space.total_inodes = space.free_inodes = 0;
  BOOST_TEST(has_room(space, {{}, {40, true}}, {0, 1}));
}

BOOST_AUTO_TEST_CASE(a_percentage_of_a_large_filesystem_does_not_overflow) {
  Share half{50, true};
  BOOST_TEST(half.of(UINT64_MAX) == UINT64_MAX / 2);
  BOOST_TEST((Share{1, true}.of(199)) == 1u);
}

// Messages that other processes are receiving count; reservations of dead processes do not.
BOOST_AUTO_TEST_CASE(messages_of_other_live_processes_are_counted_X4) {
  Delivery delivery;
  struct statvfs about;
  BOOST_REQUIRE(::statvfs(delivery.place.path().c_str(), &about) == 0);
  auto free = std::uint64_t{about.f_bavail} * about.f_frsize;
  auto most = free / 4 * 3;  // two messages of this size do not fit
  auto own = delivery.open().value();
  std::array<int, 2> ready;
  std::array<int, 2> go;
  BOOST_REQUIRE((::pipe(ready.data()) == 0 && ::pipe(go.data()) == 0));
  pid_t child = ::fork();
  if (child == 0) {
    sys::Files files;
    auto other = spool::Spool::open(files, {delivery.place.path(), "host"}).value();
    auto room = other->reserve(most).value();
    char kept = room ? 'y' : 'n';
    (void)!::write(ready[1], &kept, 1);
    (void)!::read(go[0], &kept, 1);
    room->written(most);
    (void)!::write(ready[1], &kept, 1);
    (void)!::read(go[0], &kept, 1);
    room->release();
    auto again = other->reserve(most);
    ::_exit(again.ok() ? 0 : 1);  // not released, as after a crash
  }
  auto wait = [&] {
    char said = 0;
    return ::read(ready[0], &said, 1) == 1 ? said : '\0';
  };
  BOOST_TEST(wait() == 'y');
  BOOST_TEST(!own->reserve(most).value().has_value());
  (void)!::write(go[1], "", 1);
  wait();
  BOOST_TEST(own->reserve(most).value().has_value());
  (void)!::write(go[1], "", 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(own->reserve(most).value().has_value());
  for (int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
}

BOOST_AUTO_TEST_CASE(a_filesystem_whose_free_space_is_unknown_is_an_error) {
  Delivery delivery;
  auto spool = delivery.open().value();
  delivery.files.fault = [](const Call& call) { return call.op == Op::kSpace ? EIO : 0; };
  BOOST_TEST(spool->reserve(1).error().code == EIO);
}

// A filesystem with a size set by the test, and a counter of queries.
class SizedFiles : public sys::Files {
 public:
  sys::Space size;
  int asked = 0;
  Result<sys::Space> space(const sys::Fd&) override {
    ++asked;
    return size;
  }
};

BOOST_AUTO_TEST_CASE(with_ample_space_the_filesystem_is_not_queried_again_immediately) {
  TemporaryDirectory place;
  SizedFiles files;
  auto plenty = 3 * kMostInAMoment.octets;
  files.size = {plenty, plenty, 0, 0};
  auto spool = spool::Spool::open(files, {place.path(), "host"}).value();
  auto now = sys::Steady::now();
  for (int i = 0; i < 10; ++i) BOOST_TEST(spool->reserve(1).value().has_value());
  // At most one query for each interval that has passed.
  auto moments = (sys::Steady::now() - now) / kMoment;
  BOOST_TEST(files.asked <= 1 + moments);
  // A cached value is not used for messages that come close to it.
  auto before = files.asked;
  BOOST_TEST(!spool->reserve(plenty + 1).value().has_value());
  BOOST_TEST(spool->reserve(plenty - kMostInAMoment.octets / 2).value().has_value());
  BOOST_TEST(files.asked == before + 2);
}

BOOST_AUTO_TEST_CASE(with_little_space_the_filesystem_is_queried_for_each_message_X4) {
  TemporaryDirectory place;
  SizedFiles files;
  files.size = {kMostInAMoment.octets, kMostInAMoment.octets, 0, 0};
  auto spool = spool::Spool::open(files, {place.path(), "host"}).value();
  for (int i = 0; i < 10; ++i) BOOST_TEST(spool->reserve(1).value().has_value());
  BOOST_TEST(files.asked == 10);
  files.size.free_octets = 0;
  BOOST_TEST(!spool->reserve(1).value().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
