// src/sys/sandbox.cc as compiled on OpenBSD, with system calls that record their arguments.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "base/text.hh"
#include "sys/fd.hh"
#include "sys/log.hh"
#include "temporary_directory.hh"

namespace {

std::vector<std::string> calls;
std::string failing;  // the call that fails
int failure = 0;      // and its errno

int called(const std::string& call) {
  calls.push_back(call);
  if (failing.empty() || !call.starts_with(failing)) return 0;
  errno = failure;
  return -1;
}

std::string text(const char* argument) { return argument != nullptr ? argument : "NULL"; }

int written_unveil(const char* path, const char* rights) {
  return called("unveil " + text(path) + " " + text(rights));
}
int written_pledge(const char* promises, const char* of_programs) {
  return called("pledge " + text(promises) + ", " + text(of_programs));
}

struct Fresh {
  Fresh() {
    calls.clear();
    failing.clear();
  }
};

}  // namespace

#undef HAVE_PLEDGE
#undef HAVE_CAP_ENTER

// Compiled again, in another namespace.
namespace handoff::on_openbsd {
using sys::Fd;
using sys::Log;
}  // namespace handoff::on_openbsd
#define HAVE_PLEDGE 1
#define pledge written_pledge
#define unveil written_unveil
#define sys on_openbsd
#include "sys/sandbox.cc"
#undef sys
#undef unveil
#undef pledge
#undef HAVE_PLEDGE

namespace openbsd = handoff::on_openbsd;

BOOST_FIXTURE_TEST_SUITE(sys_sandbox_openbsd, Fresh)

BOOST_AUTO_TEST_CASE(a_worker_keeps_access_to_its_spool_and_its_programs) {
  TemporaryDirectory folder;
  auto script = folder.path() + "/maker";
  std::ofstream(script) << "#! /usr/bin/env sh\n";
  openbsd::Needs needs;
  needs.folders = {"/spool"};
  needs.programs = {script};
  needs.unix_sockets = true;
  BOOST_TEST(openbsd::enter(needs, openbsd::unveiled(needs), {}).value() == "pledge and unveil");
  std::vector<std::string> wanted{
      "unveil /spool rwc",     "unveil " + script + " x",
      "unveil /usr/bin/env x", "unveil /dev/null rw",
      "unveil NULL NULL",      "pledge stdio rpath wpath cpath flock unix proc exec, NULL"};
  BOOST_TEST(calls == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_module_with_unknown_files_sees_all_paths) {
  openbsd::Needs needs;
  needs.folders = {"/spool"};
  needs.any_path = needs.accounts = needs.inet_sockets = needs.names = true;
  BOOST_TEST(openbsd::enter(needs, openbsd::unveiled(needs), {}).value() == "pledge");
  BOOST_TEST(calls.size() == 1U);
  BOOST_TEST(calls.back() == "pledge stdio rpath wpath cpath flock inet dns getpw, NULL");
}

BOOST_AUTO_TEST_CASE(a_missing_program_does_not_make_the_sandbox_fail) {
  openbsd::Needs needs;
  needs.programs = {"/no/such/program"};
  failing = "unveil /no/such/program";
  failure = ENOENT;
  BOOST_TEST(openbsd::enter(needs, openbsd::unveiled(needs), {}).ok());
  BOOST_TEST(calls.back().starts_with("pledge "));
}

BOOST_AUTO_TEST_CASE(every_other_refusal_makes_the_sandbox_fail) {
  openbsd::Needs needs;
  needs.folders = {"/spool"};
  failure = EPERM;
  for (const auto* call : {"unveil /spool", "unveil NULL", "pledge"}) {
    calls.clear();
    failing = call;
    auto entered = openbsd::enter(needs, openbsd::unveiled(needs), {});
    BOOST_REQUIRE(!entered.ok());
    BOOST_TEST(entered.error().code == EPERM);
    BOOST_TEST(calls.back().starts_with(call));  // no request followed
  }
}

BOOST_AUTO_TEST_SUITE_END()
