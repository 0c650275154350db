// src/sys/sandbox.cc as compiled on FreeBSD, with system calls that record their arguments.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdarg>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "base/text.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

#undef HAVE_PLEDGE
#undef HAVE_CAP_ENTER

// sandbox.cc is compiled again here, in another namespace, with the <sys/capsicum.h> in this
// directory.
namespace handoff::on_freebsd {
using sys::Fd;
using sys::Log;
}  // namespace handoff::on_freebsd
#define HAVE_CAP_ENTER 1
#define sys on_freebsd
#include "sys/sandbox.cc"
#undef sys
#undef HAVE_CAP_ENTER

namespace freebsd = handoff::on_freebsd;

namespace {

std::vector<std::string> calls;
std::string failing;  // the call that fails
int failure = 0;      // and its errno
std::uint64_t of_listeners = 0;
std::uint64_t of_log = 0;

int called(const std::string& call) {
  calls.push_back(call);
  if (failing.empty() || call != failing) return 0;
  errno = failure;
  return -1;
}

struct Fresh {
  Fresh() : listener(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    calls.clear();
    failing.clear();
    of_listeners = of_log = 0;
    needs.folders = {"/spool"};
    needs.inet_sockets = true;
  }
  std::string limit() const { return "limit " + std::to_string(listener.get()); }

  handoff::sys::Fd listener;
  std::array<const handoff::sys::Fd*, 1> listeners{&listener};
  freebsd::Needs needs;
};

}  // namespace

cap_rights_t* rights_of(cap_rights_t* rights, ...) {
  rights->rights = 0;
  va_list all;
  va_start(all, rights);
  while (auto right = va_arg(all, std::uint64_t)) rights->rights |= right;
  va_end(all);
  return rights;
}

int cap_rights_limit(int fd, const cap_rights_t* rights) {
  (fd == STDERR_FILENO ? of_log : of_listeners) = rights->rights;
  return called("limit " + std::to_string(fd));
}

int cap_enter() { return called("enter"); }

BOOST_FIXTURE_TEST_SUITE(sys_sandbox_freebsd, Fresh)

BOOST_AUTO_TEST_CASE(a_worker_that_needs_no_path_enters_capability_mode) {
  BOOST_TEST(freebsd::enter(needs, freebsd::unveiled(needs), listeners).value() ==
             "capability mode");
  std::vector<std::string> wanted{limit(), "limit 2", "enter"};
  BOOST_TEST(calls == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(in_capability_mode_connections_can_be_read_written_and_shut_down) {
  BOOST_TEST(freebsd::enter(needs, freebsd::unveiled(needs), listeners).ok());
  for (auto right : {CAP_ACCEPT, CAP_READ, CAP_WRITE, CAP_EVENT, CAP_SHUTDOWN, CAP_GETPEERNAME}) {
    BOOST_TEST((of_listeners & right) == right);
  }
  BOOST_TEST(of_log == (CAP_WRITE | CAP_FSTAT));
}

BOOST_AUTO_TEST_CASE(other_workers_do_not_enter_capability_mode) {
  auto with = [&](auto set) {
    auto other = needs;
    set(other);
    calls.clear();
    BOOST_TEST(freebsd::enter(other, freebsd::unveiled(other), listeners).value() == "none");
    BOOST_TEST(calls.empty());
    BOOST_TEST(!freebsd::path_bound(other).empty());
  };
  with([](auto& other) { other.any_path = true; });
  with([](auto& other) { other.programs = {"/bin/true"}; });
  with([](auto& other) { other.processes = true; });
  with([](auto& other) { other.syslog = true; });
}

BOOST_AUTO_TEST_CASE(a_kernel_without_capsicum_does_not_make_the_sandbox_fail) {
  failing = "enter";
  failure = ENOSYS;
  BOOST_TEST(freebsd::enter(needs, freebsd::unveiled(needs), listeners).value() == "none");
}

BOOST_AUTO_TEST_CASE(every_other_refusal_makes_the_sandbox_fail) {
  failure = EINVAL;
  for (const auto& call : {limit(), std::string("limit 2"), std::string("enter")}) {
    calls.clear();
    failing = call;
    auto entered = freebsd::enter(needs, freebsd::unveiled(needs), listeners);
    BOOST_REQUIRE(!entered.ok());
    BOOST_TEST(entered.error().code == EINVAL);
    BOOST_TEST(calls.back() == call);
  }
}

BOOST_AUTO_TEST_SUITE_END()
