// What the doctor finds on a spool and a socket that are well, and that are not.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <sstream>

#include "conf/load.hh"
#include "ctl/disk_check.hh"
#include "ctl/socket_check.hh"
#include "ctl/spool_check.hh"
#include "sys/sockets.hh"

using namespace handoff;
using namespace handoff::ctl;

namespace {

// A folder of its own, removed with all that is in it.
struct Folder {
  Folder() {
    char name[] = "/tmp/handoff-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

// The disk says no when data is synced.
struct BrokenFiles final : sys::PosixFiles {
  Status sync_data(const sys::Fd&) override { return Error{EIO, "fdatasync", {}}; }
};

// The disk says that it has what it has not.
struct LyingFiles final : sys::PosixFiles {
  Status sync_data(const sys::Fd&) override { return {}; }
};

conf::Config config_for(const std::string& spool) {
  auto config = conf::combine({}, {}).config;
  config.spool.path = spool;
  config.session.max_message_size = 1024;
  return config;
}

std::string look(const conf::Config& config, sys::Files& files,
                 const std::optional<sys::Account>& user = {}) {
  std::ostringstream out;
  Report report(out);
  check_spool(files, config, user, report);
  return out.str();
}

std::string look_at_socket(const conf::Config& config, const std::string& path) {
  std::ostringstream out;
  Report report(out);
  sys::PosixFiles files;
  check_socket(files, config, *parse_endpoint("unix:" + path), report);
  return out.str();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ctl_doctor)

BOOST_AUTO_TEST_CASE(a_spool_that_is_well_has_no_problem_and_nothing_is_left_on_it) {
  Folder folder;
  sys::PosixFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(!has(found, "PROBLEM"), found);
  BOOST_TEST(has(found, "/.handoff/staging: create "), found);
  BOOST_TEST(has(found, "sync directory "), found);
  BOOST_TEST(std::filesystem::is_empty(folder.path + "/.handoff/staging"));
}

BOOST_AUTO_TEST_CASE(a_sync_that_is_faster_than_the_device_is_a_warning) {
  using std::chrono::microseconds;
  sys::Device disk{"", false, true};
  sys::Device flash{"", false, false};
  sys::Device unknown;
  BOOST_TEST(disbelief(disk, microseconds(8000)).empty());
  BOOST_TEST(!disbelief(disk, microseconds(200)).empty());
  BOOST_TEST(disbelief(flash, microseconds(200)).empty());
  BOOST_TEST(!disbelief(flash, microseconds(2)).empty());
  BOOST_TEST(disbelief(unknown, microseconds(30)).empty());
  BOOST_TEST(!disbelief(unknown, microseconds(1)).empty());
  BOOST_TEST(has(disbelief({"tmpfs", true, {}}, microseconds(8000)), "memory"));

  Folder folder;
  LyingFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "warning  sync in "), found);
  BOOST_TEST(!has(found, "PROBLEM"), found);
  BOOST_TEST(std::filesystem::is_empty(folder.path + "/.handoff/staging"));
}

BOOST_AUTO_TEST_CASE(the_mailboxes_are_looked_at) {
  Folder folder;
  for (const char* name : {"tmp", "new", "cur"}) {
    std::filesystem::create_directories(folder.path + "/example.org/pat/" + name);
  }
  sys::PosixFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "each of the 1 looked at"), found);
}

BOOST_AUTO_TEST_CASE(a_missing_spool_is_a_problem_with_the_command_that_makes_it) {
  sys::PosixFiles files;
  auto found = look(config_for("/nonexistent/spool"), files, sys::Account{"mail", 8, 8});
  BOOST_TEST(has(found, "PROBLEM  spool: open /nonexistent/spool: No such file"), found);
  BOOST_TEST(has(found, "cure: install -d -m 700 -o mail /nonexistent/spool"), found);
}

BOOST_AUTO_TEST_CASE(a_spool_that_is_no_directory_is_a_problem) {
  sys::PosixFiles files;
  BOOST_TEST(
      has(look(config_for("/dev/null"), files), "PROBLEM  spool: open /dev/null: Not a dir"));
}

BOOST_AUTO_TEST_CASE(a_spool_that_anybody_can_write_to_is_a_problem) {
  Folder folder;
  ::chmod(folder.path.c_str(), 0777);
  sys::PosixFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "anybody can write to it\n         cure: chmod o-w " + folder.path), found);
}

BOOST_AUTO_TEST_CASE(a_spool_of_somebody_else_is_a_problem) {
  Folder folder;
  sys::PosixFiles files;
  auto found = look(config_for(folder.path), files, sys::Account{"nobody", 65534, 65534});
  BOOST_TEST(has(found, "user is nobody\n         cure: chown nobody " + folder.path), found);
}

BOOST_AUTO_TEST_CASE(too_little_room_is_a_problem) {
  Folder folder;
  sys::PosixFiles files;
  auto config = config_for(folder.path);
  config.session.max_message_size = UINT64_MAX;
  BOOST_TEST(has(look(config, files), "less than one message may take"));
}

BOOST_AUTO_TEST_CASE(a_disk_that_does_not_sync_is_a_problem_and_nothing_is_left_on_it) {
  Folder folder;
  BrokenFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "staging: fdatasync: Input/output error"), found);
  BOOST_TEST(std::filesystem::is_empty(folder.path + "/.handoff/staging"));
}

BOOST_AUTO_TEST_CASE(a_socket_that_nobody_made_is_a_problem) {
  Folder folder;
  auto found = look_at_socket(config_for(folder.path), folder.path + "/s");
  BOOST_TEST(has(found, "PROBLEM  socket: connect unix:" + folder.path + "/s: No such file"),
             found);
  BOOST_TEST(has(found, "cure: start handoffd"), found);
}

BOOST_AUTO_TEST_CASE(a_socket_that_nobody_listens_on_is_a_problem) {
  Folder folder;
  auto config = config_for(folder.path);
  { auto gone = sys::listen_on(*parse_endpoint("unix:" + folder.path + "/s"), 1, {}); }
  auto found = look_at_socket(config, folder.path + "/s");
  BOOST_TEST(has(found, "Connection refused"), found);
  BOOST_TEST(has(found, "nobody listens there any more"), found);
}

BOOST_AUTO_TEST_CASE(a_socket_file_with_another_mode_is_a_problem) {
  Folder folder;
  auto config = config_for(folder.path);
  auto listening = sys::listen_on(*parse_endpoint("unix:" + folder.path + "/s"), 1,
                                  {.mode = 0600, .owner = {}, .group = {}});
  BOOST_REQUIRE(listening.ok());
  listening.value().clear();
  auto found = look_at_socket(config, folder.path + "/s");
  BOOST_TEST(has(found, "mode is 0600, socket.mode is 0660"), found);
}

BOOST_AUTO_TEST_SUITE_END()
