// A message is copied into a mailbox whose owner is not trusted.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>

#include "spool/mailbox_writer.hh"
#include "temporary_directory.hh"
#include "watched_files.hh"

using namespace handoff;

namespace {

// An attacker in the mailbox who guesses each name before it is made.
class Attacker : public sys::Files {
 public:
  Attacker(std::string victim, std::string tmp, bool symbolic)
      : victim_(std::move(victim)), tmp_(std::move(tmp)), symbolic_(symbolic) {}
  Result<sys::Fd> create(const sys::Fd& at, const std::string& name, mode_t mode) override {
    if (symbolic_) {
      std::filesystem::create_symlink(victim_, tmp_ + "/" + name);
    } else {
      std::filesystem::create_hard_link(victim_, tmp_ + "/" + name);
    }
    return Files::create(at, name, mode);
  }

 private:
  std::string victim_;
  std::string tmp_;
  bool symbolic_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_writer_copy)

BOOST_AUTO_TEST_CASE(a_link_to_anothers_file_under_our_name_in_tmp_is_not_written_to) {
  for (bool symbolic : {false, true}) {
    TemporaryDirectory place;
    for (const char* name : {"tmp", "new", "cur"}) place.make(std::string("pat/") + name);
    place.write("victim", "precious");
    place.write("staged", "a: b\n\nbody\n");
    Attacker files(place.path("victim"), place.path("pat/tmp"), symbolic);
    auto root = files.open_root(place.path()).value();
    auto staged = files.open_file(root, "staged").value();
    spool::NameMaker names("host");
    Mailbox mailbox{"pat", "", "pat@example.org"};
    spool::MailboxWriter writer(files, root, names, {});
    auto delivered = writer.deliver({"X.1.host", 11, 0, nullptr, &staged}, mailbox, "");
    BOOST_REQUIRE(!delivered.ok());
    BOOST_TEST(delivered.error().code == EEXIST);
    BOOST_TEST(place.read("victim") == "precious");
    BOOST_TEST(std::filesystem::is_empty(place.path("pat/new")));
  }
}

// A delivery process knows the filesystem of the spool, but a home may be on another one.
BOOST_AUTO_TEST_CASE(only_the_filesystem_of_a_home_is_asked_whether_it_is_shared) {
  for (bool home : {false, true}) {
    TemporaryDirectory place;
    for (const char* name : {"tmp", "new", "cur"}) place.make(std::string("pat/") + name);
    place.write("staged", "a: b\n\nbody\n");
    sys::Files posix;
    WatchedFiles files(posix);
    files.shared = true;
    auto root = files.open_root(place.path()).value();
    auto staged = files.open_file(root, "staged").value();
    spool::NameMaker names("host");
    Mailbox mailbox{"pat", "", "pat@example.org"};
    if (home) mailbox.base = place.path();
    spool::WriterOptions options;
    options.shared = false;
    spool::MailboxWriter writer(files, root, names, std::move(options));
    BOOST_REQUIRE(writer.deliver({"X.1.host", 11, 0, nullptr, &staged}, mailbox, "").ok());
    BOOST_TEST(files.asked_shared == (home ? 1U : 0U));
    auto synced = std::ranges::count(files.calls, Op::kSyncFile, &Call::op);
    BOOST_TEST(synced == (home ? 1 : 0));
  }
}

BOOST_AUTO_TEST_SUITE_END()
