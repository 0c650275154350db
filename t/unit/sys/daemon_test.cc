// The pid file, and the exit status that tells the caller whether the daemon is ready.
#include "sys/daemon.hh"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <optional>

#include "in_child.hh"
#include "temporary_directory.hh"

using namespace handoff::sys;

namespace {

std::string outcome(const handoff::Result<PidFile>& file) {
  return file ? "made" : std::to_string(file.error().code);
}

// Returns the exit status of the process that enters the background while the daemon runs `body`.
template <class Body>
int status_of_starter(Body body) {
  pid_t starter = ::fork();
  if (starter == 0) {
    auto background = Background::enter();
    if (!background) ::_exit(99);
    body(std::optional<Background>(std::move(background).value()));
    ::_exit(98);
  }
  int status = 0;
  ::waitpid(starter, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_daemon)

BOOST_AUTO_TEST_CASE(a_pid_file_names_the_process_and_is_removed_with_it) {
  TemporaryDirectory place;
  {
    auto file = PidFile::create(place.path("pid"));
    BOOST_REQUIRE(file.ok());
    BOOST_TEST(place.read("pid") == std::to_string(::getpid()) + "\n");
    BOOST_TEST(place.mode("pid") == 0644u);
  }
  BOOST_TEST(!place.has("pid"));
}

BOOST_AUTO_TEST_CASE(the_pid_file_of_a_running_daemon_is_not_taken_over) {
  TemporaryDirectory place;
  auto file = PidFile::create(place.path("pid"));
  BOOST_REQUIRE(file.ok());
  auto said = in_child([&] { return outcome(PidFile::create(place.path("pid"))); });
  BOOST_TEST(said == std::to_string(EWOULDBLOCK));
  BOOST_TEST(place.read("pid") == std::to_string(::getpid()) + "\n");
}

BOOST_AUTO_TEST_CASE(a_pid_file_from_a_crash_is_taken_over) {
  TemporaryDirectory place;
  place.write("pid", "999999999999\n");
  auto file = PidFile::create(place.path("pid"));
  BOOST_REQUIRE(file.ok());
  BOOST_TEST(place.read("pid") == std::to_string(::getpid()) + "\n");
}

BOOST_AUTO_TEST_CASE(a_child_of_the_daemon_does_not_remove_its_pid_file) {
  TemporaryDirectory place;
  std::optional<PidFile> file(PidFile::create(place.path("pid")).value());
  in_child([&]() -> std::string {
    file.reset();
    return "";
  });
  BOOST_TEST(place.has("pid"));
}

BOOST_AUTO_TEST_CASE(a_pid_file_is_not_written_through_a_symbolic_link) {
  TemporaryDirectory place;
  place.write("victim", "precious");
  place.link("victim", "pid");
  BOOST_TEST(outcome(PidFile::create(place.path("pid"))) == std::to_string(ELOOP));
  BOOST_TEST(place.read("victim") == "precious");
  BOOST_TEST(outcome(PidFile::create(place.path("no/pid"))) == std::to_string(ENOENT));
}

BOOST_AUTO_TEST_CASE(the_waiting_process_exits_with_0_when_the_daemon_is_ready) {
  TemporaryDirectory place;
  int status = status_of_starter([&](std::optional<Background> background) {
    place.write("before", "");
    background->ready();
  });
  BOOST_TEST(status == 0);
  BOOST_TEST(place.has("before"));
}

BOOST_AUTO_TEST_CASE(the_waiting_process_exits_with_the_status_of_a_daemon_that_failed) {
  BOOST_TEST(status_of_starter([](std::optional<Background>) { ::_exit(69); }) == 69);
  BOOST_TEST(status_of_starter([](std::optional<Background>) { ::_exit(0); }) == 0);
}

BOOST_AUTO_TEST_CASE(the_waiting_process_of_a_killed_daemon_does_not_exit_with_0) {
  BOOST_TEST(status_of_starter([](std::optional<Background>) { ::raise(SIGKILL); }) != 0);
}

BOOST_AUTO_TEST_SUITE_END()
