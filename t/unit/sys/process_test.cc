// A process that becomes a child of an ancestor. On other systems there is no such call.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "sys/process.hh"

using namespace handoff;

BOOST_AUTO_TEST_SUITE(sys_process)

#ifdef __linux__
BOOST_AUTO_TEST_CASE(
    a_process_that_was_forked_for_an_ancestor_is_its_child_before_it_does_anything) {
  BOOST_REQUIRE(sys::adopt_orphans(true).ok());
  auto own = ::getpid();
  int report[2];
  BOOST_REQUIRE(::pipe(report) == 0);
  auto between = sys::fork_process([&] {
    auto pid = sys::fork_for_ancestor([&] { return ::getppid() == own ? 3 : 4; });
    auto id = pid ? pid.value() : -1;
    return ::write(report[1], &id, sizeof id) == sizeof id ? 0 : 1;
  });
  BOOST_REQUIRE(between.ok());
  BOOST_TEST(sys::wait_for_end(between.value()) == 0);
  pid_t id = 0;
  BOOST_REQUIRE(::read(report[0], &id, sizeof id) == sizeof id);
  BOOST_REQUIRE(id > 0);
  auto status = sys::wait_for_end(id);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 3);
  BOOST_TEST(sys::adopt_orphans(false).ok());
  for (int end : report) ::close(end);
}
#else
BOOST_AUTO_TEST_CASE(no_process_can_be_forked_for_an_ancestor) {
  BOOST_TEST(!sys::fork_for_ancestor([] { return 0; }).ok());
}
#endif

BOOST_AUTO_TEST_SUITE_END()
