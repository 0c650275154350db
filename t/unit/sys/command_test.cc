// Child programs: input, end, time limit.
#include "sys/command.hh"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>

#include "sys/fd.hh"

using namespace handoff;
using namespace handoff::sys;
using namespace std::chrono_literals;

namespace {

// Returns what the watcher of the command writes. It inherits a pipe as standard error.
std::string outcome(std::vector<std::string> arguments, std::string input = {},
                    Steady::duration limit = 60s) {
  std::array<int, 2> ends;
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  Fd kept(::dup(STDERR_FILENO));
  ::dup2(ends[1], STDERR_FILENO);
  Command command{.arguments = std::move(arguments), .input = std::move(input), .limit = limit};
  auto started = start_watched(command, [](const Status& status) {
    auto said = status ? "ok" : status.error().describe();
    [[maybe_unused]] auto n = ::write(2, said.data(), said.size());
  });
  ::dup2(kept.get(), STDERR_FILENO);
  ::close(ends[1]);
  BOOST_REQUIRE(started.ok());
  std::string said;
  std::array<char, 4096> buffer;
  for (ssize_t n; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  while (!started.value().has_ended()) ::usleep(1000);
  return said;
}

std::string shell(std::string script, std::string input = {}, Steady::duration limit = 60s) {
  return outcome({"/bin/sh", "-c", std::move(script)}, std::move(input), limit);
}

bool has(const std::string& text, const char* part) { return text.find(part) != text.npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_command)

BOOST_AUTO_TEST_CASE(a_command_that_exits_with_0_succeeds) { BOOST_TEST(shell("exit 0") == "ok"); }

BOOST_AUTO_TEST_CASE(a_command_gets_only_harmless_environment_variables) {
  ::setenv("PGPASSWORD", "secret", 1);
  ::setenv("LC_TEST", "C", 1);
  BOOST_TEST(shell("test -z \"$PGPASSWORD\" && test -n \"$PATH\" && test \"$LC_TEST\" = C") ==
             "ok");
  ::unsetenv("PGPASSWORD");
  ::unsetenv("LC_TEST");
}

BOOST_AUTO_TEST_CASE(a_command_leaves_no_child_to_wait_for_X8) {
  BOOST_TEST(shell("exit 0") == "ok");
  BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
  BOOST_TEST(errno == ECHILD);
}

BOOST_AUTO_TEST_CASE(any_other_exit_is_a_failure_with_the_end_of_the_output) {
  auto said = shell("echo never mind; echo the queue is full >&2; exit 75");
  BOOST_TEST(has(said, "/bin/sh: exit 75 (never mind\nthe queue is full)"), said);
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_a_failure) {
  auto said = outcome({"/nonexistent/program"});
  BOOST_TEST(has(said, "No such file"), said);
}

BOOST_AUTO_TEST_CASE(the_whole_input_arrives_and_ends) {
  BOOST_TEST(shell("test $(wc -c) = 1000000", std::string(1000000, 'x')) == "ok");
}

BOOST_AUTO_TEST_CASE(a_command_need_not_read_its_input) {
  BOOST_TEST(shell("exec <&-; exit 0", std::string(1000000, 'x')) == "ok");
}

BOOST_AUTO_TEST_CASE(much_output_does_not_block_the_program) {
  BOOST_TEST(shell("head -c 1000000 /dev/zero; exit 0") == "ok");
}

BOOST_AUTO_TEST_CASE(a_program_that_takes_too_long_is_killed_with_its_children) {
  auto said = shell("sleep 1000 & wait", {}, 100ms);
  BOOST_TEST(said == "/bin/sh: killed, it took too long");
  said = shell("echo cannot write >&2; sleep 1000 & wait", {}, 1000ms);
  BOOST_TEST(said == "/bin/sh: killed, it took too long (cannot write)");
}

BOOST_AUTO_TEST_CASE(a_killed_program_is_a_failure) {
  auto said = shell("kill -9 $$");
  BOOST_TEST(has(said, "signal 9"), said);
}

BOOST_AUTO_TEST_CASE(the_program_gets_none_of_our_descriptors_and_signals) {
  std::array<int, 2> leak;
  BOOST_REQUIRE(::pipe(leak.data()) == 0);  // no CLOEXEC
  BOOST_TEST(shell("test ! -e /dev/fd/" + std::to_string(leak[0])) == "ok");
  ::close(leak[0]);
  ::close(leak[1]);
}

BOOST_AUTO_TEST_SUITE_END()
