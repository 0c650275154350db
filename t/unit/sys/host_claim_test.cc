// Which host uses a directory: its processes hold a lock.
#include "sys/host_claim.hh"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <optional>

#include "sys/files.hh"
#include "temporary_directory.hh"

using namespace handoff;
using sys::Host;
using sys::HostClaim;

namespace {

const Host kOne{"one", "m", "b", "4:1"};
const Host kTwo{"two", "m", "b", "4:2"};

struct ClaimPlace {
  TemporaryDirectory place;
  sys::Files files;
  sys::Fd at = files.open_root(place.path()).value();
  Result<HostClaim> take(const Host& host) { return HostClaim::take(at, "host", host); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_host_claim)

BOOST_AUTO_TEST_CASE(several_processes_of_one_host_share_it) {
  ClaimPlace place;
  auto first = place.take(kOne);
  auto second = place.take(kOne);
  BOOST_TEST(first.ok());
  BOOST_TEST(second.ok());
}

BOOST_AUTO_TEST_CASE(another_host_is_refused_and_learns_who_has_it) {
  ClaimPlace place;
  auto first = place.take(kOne);
  auto other = place.take(kTwo);
  BOOST_REQUIRE(!other.ok());
  BOOST_TEST(other.error().code == EBUSY);
  BOOST_TEST(other.error().path == "one");
}

BOOST_AUTO_TEST_CASE(another_host_takes_it_when_the_processes_have_ended) {
  ClaimPlace place;
  {
    auto first = place.take(kOne);
    BOOST_TEST(first.ok());
  }
  auto other = place.take(kTwo);
  BOOST_TEST(other.ok());
  BOOST_TEST(!place.take(kOne).ok());
}

BOOST_AUTO_TEST_CASE(a_host_that_gets_another_name_is_the_same_host) {
  ClaimPlace place;
  auto first = place.take(kOne);
  auto renamed = kOne;
  renamed.name = "new";
  BOOST_TEST(place.take(renamed).ok());
}

BOOST_AUTO_TEST_CASE(a_host_that_has_started_again_is_another_host) {
  auto again = kOne;
  again.boot = "c";
  BOOST_TEST(!kOne.is_same(again));
}

BOOST_AUTO_TEST_CASE(a_host_is_written_and_read_as_text) {
  auto same = Host::parse(kOne.text());
  BOOST_REQUIRE(same.has_value());
  BOOST_TEST(same->text() == kOne.text());
  BOOST_TEST(Host::parse(Host{"bare", "", "", ""}.text())->machine.empty());
  BOOST_TEST(!Host::parse("").has_value());
  BOOST_TEST(!Host::parse("one two").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
