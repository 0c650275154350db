// The reports of doctor for valid and faulty spools and sockets.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "conf/load.hh"
#include "ctl/checks.hh"
#include "lookup_settings.hh"
#include "spool/sweep.hh"
#include "sys/sockets.hh"

using namespace handoff;
using namespace handoff::ctl;

namespace {

// A new folder, which is removed with its content.
struct Folder {
  Folder() {
    char name[] = "/tmp/handoff-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

// Every sync fails.
struct BrokenFiles final : sys::Files {
  Status sync_data(const sys::Fd&) override { return Error{EIO, "fdatasync", {}}; }
};

// Every sync succeeds without reaching the disk.
struct LyingFiles final : sys::Files {
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
  sys::Files files;
  check_socket(files, config, *parse_endpoint("unix:" + path), report);
  return out.str();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ctl_doctor)

BOOST_AUTO_TEST_CASE(a_valid_spool_has_no_problem_and_no_file_is_left_in_it) {
  Folder folder;
  sys::Files files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(!has(found, "PROBLEM"), found);
  BOOST_TEST(has(found, "/.handoff/staging: create "), found);
  BOOST_TEST(has(found, "sync directory "), found);
  BOOST_TEST(std::filesystem::is_empty(folder.path + "/.handoff/staging"));
}

BOOST_AUTO_TEST_CASE(a_sync_that_is_too_fast_for_the_device_is_a_warning) {
  using std::chrono::microseconds;
  sys::Device disk;
  BOOST_TEST(sync_doubt(disk, microseconds(8000)).empty());
  BOOST_TEST(sync_doubt(disk, microseconds(200)).empty());
  BOOST_TEST(sync_doubt(disk, microseconds(30)).empty());
  BOOST_TEST(!sync_doubt(disk, microseconds(1)).empty());
  BOOST_TEST(has(sync_doubt({"tmpfs", true, false, {}}, microseconds(8000)), "memory"));
  BOOST_TEST(has(sync_doubt({"ext4", false, false, "nobarrier"}, microseconds(8000)),
                 "mounted with nobarrier"));

  Folder folder;
  LyingFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "warning  sync in "), found);
  BOOST_TEST(!has(found, "PROBLEM"), found);
  BOOST_TEST(std::filesystem::is_empty(folder.path + "/.handoff/staging"));
}

// Another process sweeps the spool while the probe is at work.
struct SweptFiles final : sys::Files {
  explicit SweptFiles(std::string path) : spool(std::move(path)) {}
  Status sync_data(const sys::Fd&) override {
    sys::Files files;
    auto root = files.open_root(spool);
    auto staging = files.open_directory(root.value(), ".handoff/staging");
    auto swept = spool::sweep_staging(files, staging.value(),
                                      {"", [](const spool::Owner&) { return false; }},
                                      [](const std::string&, std::uint64_t) { return Status(); });
    removed += swept.value().removed;
    return {};
  }
  std::string spool;
  unsigned removed = 0;
};

BOOST_AUTO_TEST_CASE(a_sweep_does_not_remove_the_file_of_a_probe) {
  Folder folder;
  SweptFiles files(folder.path);
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(files.removed == 0U);
  BOOST_TEST(!has(found, "PROBLEM"), found);
  BOOST_TEST(has(found, "sync directory "), found);
}

BOOST_AUTO_TEST_CASE(a_mount_point_of_fstab_on_which_nothing_is_mounted_is_found) {
  Folder folder;
  auto fstab = folder.path + "/fstab";
  std::ofstream(fstab) << "# comment\nproc /proc proc defaults 0 0\n/dev/x / ext4\n"
                       << "/dev/y " << folder.path << "/srv ext4 defaults 0 2\n";
  std::filesystem::create_directory(folder.path + "/srv");
  BOOST_TEST(sys::missing_mount(folder.path + "/srv/mail", fstab) == folder.path + "/srv");
  BOOST_TEST(sys::missing_mount(folder.path + "/srv", fstab) == folder.path + "/srv");
  BOOST_TEST(sys::missing_mount(folder.path + "/srv2", fstab) == "");
  BOOST_TEST(sys::missing_mount("/proc/self", fstab) == "");
  BOOST_TEST(sys::missing_mount(folder.path, folder.path + "/none") == "");
}

BOOST_AUTO_TEST_CASE(mailboxes_that_cannot_be_delivered_to_are_reported) {
  Folder folder;
  for (const char* name : {"tmp", "new", "cur"}) {
    std::filesystem::create_directories(folder.path + "/example.org/pat/" + name);
  }
  sys::Files files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "a single filesystem, 1 mailboxes checked"), found);
  BOOST_TEST(!has(found, "symbolic link"), found);
}

BOOST_AUTO_TEST_CASE(a_domain_or_mailbox_that_is_a_symbolic_link_is_reported_with_what_to_do) {
  Folder folder;
  std::filesystem::create_directories(folder.path + "/example.org/pat/new");
  // A link to a file, such as Dovecot's to the active script, takes no mail.
  std::filesystem::create_symlink("/etc/passwd", folder.path + "/example.org/pat/dovecot.sieve");
  sys::Files files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(!has(found, "symbolic link"), found);
  std::filesystem::create_symlink("pat", folder.path + "/example.org/kim");
  found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "example.org/kim: is a symbolic link"), found);
  BOOST_TEST(has(found, "move the directory here"), found);
  std::filesystem::create_symlink("example.org", folder.path + "/example.net");
  found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "example.net: is a symbolic link"), found);
}

BOOST_AUTO_TEST_CASE(a_missing_spool_is_a_problem_with_the_command_that_creates_it) {
  sys::Files files;
  auto found = look(config_for("/nonexistent/spool"), files, sys::Account{"mail", 8, 8});
  BOOST_TEST(has(found, "PROBLEM  spool: open /nonexistent/spool: No such file"), found);
  BOOST_TEST(has(found, "fix: install -d -m 700 -o mail /nonexistent/spool"), found);
}

BOOST_AUTO_TEST_CASE(a_spool_that_is_not_a_directory_is_a_problem) {
  sys::Files files;
  BOOST_TEST(
      has(look(config_for("/dev/null"), files), "PROBLEM  spool: open /dev/null: Not a dir"));
}

BOOST_AUTO_TEST_CASE(a_spool_that_anybody_can_write_to_is_a_problem) {
  Folder folder;
  ::chmod(folder.path.c_str(), 0777);
  sys::Files files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "anybody can write to it\n         fix: chmod o-w " + folder.path), found);
}

BOOST_AUTO_TEST_CASE(a_spool_of_another_user_is_a_problem) {
  Folder folder;
  sys::Files files;
  auto found = look(config_for(folder.path), files, sys::Account{"nobody", 65534, 65534});
  BOOST_TEST(has(found, "user is nobody\n         fix: chown nobody " + folder.path), found);
}

BOOST_AUTO_TEST_CASE(too_little_free_space_is_a_problem) {
  Folder folder;
  sys::Files files;
  auto config = config_for(folder.path);
  config.session.max_message_size = UINT64_MAX;
  BOOST_TEST(has(look(config, files), "less than one message may take"));
}

BOOST_AUTO_TEST_CASE(a_failing_sync_is_a_problem_and_no_file_is_left) {
  Folder folder;
  BrokenFiles files;
  auto found = look(config_for(folder.path), files);
  BOOST_TEST(has(found, "staging: fdatasync: Input/output error"), found);
  BOOST_TEST(std::filesystem::is_empty(folder.path + "/.handoff/staging"));
}

BOOST_AUTO_TEST_CASE(a_socket_that_does_not_exist_is_a_problem) {
  Folder folder;
  auto found = look_at_socket(config_for(folder.path), folder.path + "/s");
  BOOST_TEST(has(found, "PROBLEM  socket: connect unix:" + folder.path + "/s: No such file"),
             found);
  BOOST_TEST(has(found, "fix: start handoffd"), found);
}

BOOST_AUTO_TEST_CASE(a_socket_without_a_listener_is_a_problem) {
  Folder folder;
  auto config = config_for(folder.path);
  { auto gone = sys::listen_on(*parse_endpoint("unix:" + folder.path + "/s"), 1, {}); }
  auto found = look_at_socket(config, folder.path + "/s");
  BOOST_TEST(has(found, "Connection refused"), found);
  BOOST_TEST(has(found, "no process listens there"), found);
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
