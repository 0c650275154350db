// maildirsize is read, appended to and recalculated by the rules that Courier and Dovecot share
// (R4).
#include "spool/maildirsize.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "temporary_directory.hh"
#include "watched_files.hh"

using namespace handoff;
using namespace handoff::spool;

namespace {

constexpr QuotaLimits kLimits{1000, 10};

struct Box {
  TemporaryDirectory place;
  sys::Files posix;
  WatchedFiles files{posix};
  sys::Fd root = files.open_root(place.path()).value();

  // Returns "SIZE/MESSAGES" or "none", with "!" if it must be recalculated.
  std::string read(std::uint64_t size = 0, QuotaLimits limits = kLimits,
                   std::chrono::minutes later = {}) {
    auto said = read_maildirsize(files, root, limits, size, sys::Wall::now() + later);
    BOOST_REQUIRE(said.ok());
    const auto& use = said.value().use;
    auto text = use ? std::to_string(use->size) + "/" + std::to_string(use->messages) : "none";
    return text + (said.value().recount ? "!" : "");
  }
  std::string with(const std::string& text) {
    place.write("maildirsize", text);
    return read();
  }
  void message(const std::string& name, std::size_t size) {
    place.write(name, std::string(size, 'x'));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_maildirsize)

BOOST_AUTO_TEST_CASE(the_lines_are_summed_R4) {
  Box box;
  BOOST_TEST(box.with("1000S,10C\n0 0\n") == "0/0");
  BOOST_TEST(box.with("1000S,10C\n500 5\n-100 -1\n   20     2\n") == "420/6");
  BOOST_TEST(box.with("10C,1000S\n500 5\n") == "500/5");
  BOOST_TEST(box.with("1000S,10C\n500 5\n7") == "500/5");  // the last line is incomplete
}

BOOST_AUTO_TEST_CASE(an_invalid_file_is_recalculated_R4) {
  Box box;
  BOOST_TEST(box.read() == "none!");
  for (const char* text :
       {"", "\n", "1000S,10C", "1000S,10C\n", "1000S\n5 1\n", "999S,10C\n5 1\n", "1000S,10C\nx 1\n",
        "1000S,10C\n5\n", "1000S,10C\n-5 1\n", "1000S,10C\n5 -1\n", "1000X\n5 1\n", "S\n5 1\n",
        "1000S,10C\n99999999999999999999 1\n",
        "1000S,10C\n9223372036854775807 1\n9223372036854775807 1\n"}) {
    BOOST_TEST(box.with(text) == "none!", text);
  }
  std::string lines = "1000S,10C\n";
  while (lines.size() < 5119) lines += "0 0\n";
  lines.resize(5120, '\n');
  BOOST_TEST(box.with(lines) == "none!");
}

BOOST_AUTO_TEST_CASE(a_link_or_fifo_in_its_place_is_not_followed_and_blocks_nothing_R4) {
  Box box;
  TemporaryDirectory outside;
  outside.write("file", "1000S,10C\n5 1\n");
  box.place.link(outside.path("file"), "maildirsize");
  BOOST_TEST(box.read() == "none!");
  ::unlink(box.place.path("maildirsize").c_str());
  BOOST_REQUIRE(::mkfifo(box.place.path("maildirsize").c_str(), 0600) == 0);
  BOOST_TEST(box.read() == "none!");
  BOOST_TEST(!add_to_maildirsize(box.files, box.root, 7).ok());
  ::unlink(box.place.path("maildirsize").c_str());
  box.place.make("maildirsize");
  BOOST_TEST(box.read() == "none!");
}

BOOST_AUTO_TEST_CASE(a_full_mailbox_is_recounted_if_that_could_help_R4) {
  Box box;
  box.place.write("maildirsize", "1000S,10C\n900 5\n50 1\n");
  BOOST_TEST(box.read(50) == "950/6");
  BOOST_TEST(box.read(51) == "950/6!");  // more than one sum
  box.place.write("maildirsize", "1000S,10C\n950 10\n");
  BOOST_TEST(box.read(0) == "950/10");  // counted just now
  BOOST_TEST(box.read(0, kLimits, std::chrono::minutes(16)) == "950/10!");
}

BOOST_AUTO_TEST_CASE(a_message_appends_a_line_to_an_existing_file_R4) {
  Box box;
  BOOST_TEST(add_to_maildirsize(box.files, box.root, 7).ok());
  BOOST_TEST(!box.place.has("maildirsize"));
  box.place.write("maildirsize", "1000S,10C\n500 5\n");
  BOOST_TEST(add_to_maildirsize(box.files, box.root, 7).ok());
  BOOST_TEST(box.place.read("maildirsize") == "1000S,10C\n500 5\n7 1\n");
  // A file that cannot be written would be wrong from then on.
  box.files.fault = [](const Call& call) { return call.op == Op::kWrite ? ENOSPC : 0; };
  BOOST_TEST(!add_to_maildirsize(box.files, box.root, 7).ok());
  BOOST_TEST(!box.place.has("maildirsize"));
}

BOOST_AUTO_TEST_CASE(all_folders_are_counted_by_the_size_in_the_name_or_of_the_file_R4) {
  Box box;
  for (const char* name :
       {"tmp", "new", "cur", ".lists/new", ".lists/cur", ".Trash/cur", "other"}) {
    box.place.make(name);
  }
  box.message("new/1.host,S=100", 3);  // the size in the name is used, as in Dovecot
  box.message("cur/2.host,S=200,W=210:2,S", 3);
  box.message("cur/3.host:2,S", 30);
  box.message(".lists/new/4.host", 4);
  box.message(".Trash/cur/5.host:2,T", 5);
  box.message("tmp/6.host", 1000);
  box.message("other/7.host", 1000);
  box.message(".lists/maildirfolder", 0);
  auto use = recount_maildirsize(box.files, box.root, kLimits, "maildirsize.x");
  BOOST_REQUIRE(use.ok());
  BOOST_TEST(use.value().size == 339u);
  BOOST_TEST(use.value().messages == 5u);
  BOOST_TEST(box.place.read("maildirsize") == "1000S,10C\n339 5\n");
  BOOST_TEST(!box.place.has("maildirsize.x"));
  BOOST_TEST(recount_maildirsize(box.files, box.root, {0, 5}, "x").ok());
  BOOST_TEST(box.place.read("maildirsize") == "5C\n339 5\n");
}

BOOST_AUTO_TEST_CASE(a_mailbox_that_changes_while_it_is_counted_is_counted_again_R4) {
  Box box;
  for (const char* name : {"new", "cur"}) box.place.make(name);
  int arrived = 0;
  int most = 1;
  box.files.fault = [&](const Call& call) {
    if (call.op == Op::kList && call.path == "cur" && arrived < most) {
      box.message("new/" + std::to_string(++arrived) + ",S=10", 10);
      // Sets a later time, whatever the resolution of the filesystem's times is.
      struct timespec times[2] = {{1000 + arrived, 0}, {1000 + arrived, 0}};
      ::utimensat(AT_FDCWD, box.place.path("new").c_str(), times, 0);
    }
    return 0;
  };
  BOOST_TEST(recount_maildirsize(box.files, box.root, kLimits, "x").value().messages == 1u);
  BOOST_TEST(box.place.read("maildirsize") == "1000S,10C\n10 1\n");
  most = 100;
  BOOST_TEST(recount_maildirsize(box.files, box.root, kLimits, "x").ok());
  BOOST_TEST(!box.place.has("maildirsize"));  // an inconsistent count is not written
}

BOOST_AUTO_TEST_CASE(a_failed_count_keeps_the_old_file_and_leaves_no_other_R4) {
  for (Op op : {Op::kList, Op::kCreate, Op::kWrite, Op::kClose, Op::kRename}) {
    Box box;
    for (const char* name : {"new", "cur"}) box.place.make(name);
    box.place.write("maildirsize", "old");
    box.files.fault = [op](const Call& call) { return call.op == op ? EIO : 0; };
    BOOST_TEST(!recount_maildirsize(box.files, box.root, kLimits, "x").ok());
    BOOST_TEST(box.place.read("maildirsize") == "old");
    BOOST_TEST(!box.place.has("x"));
  }
}

BOOST_AUTO_TEST_CASE(a_message_fits_up_to_the_limit_R4) {
  BOOST_TEST(fits({1000, 0}, {900, 99}, 100));
  BOOST_TEST(!fits({1000, 0}, {900, 99}, 101));
  BOOST_TEST(!fits({1000, 0}, {1001, 0}, 0));
  BOOST_TEST(!fits({1000, 0}, {0, 0}, UINT64_MAX));
  BOOST_TEST(fits({0, 2}, {900, 1}, 100));
  BOOST_TEST(!fits({0, 2}, {900, 2}, 0));
  BOOST_TEST(percent_of({1000, 10}, {500, 9}) == 90u);
  BOOST_TEST(percent_of({0, 0}, {500, 9}) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
