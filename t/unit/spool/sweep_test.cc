// What a crash left in staging goes; what somebody still works on stays.
#include "spool/sweep.hh"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "delivery.hh"
#include "in_child.hh"

using namespace handoff;

namespace {

struct Staged : Delivery {
  spool::Spool spool = open().value();

  void leave(const std::string& name, std::chrono::hours age = std::chrono::hours(0)) {
    auto path = ".handoff/staging/" + name;
    place.write(path, "left");
    std::filesystem::last_write_time(place.path(path),
                                     std::filesystem::file_time_type::clock::now() - age);
  }
};

std::string name_of(const std::string& pid, const std::string& host) {
  return "1764000000.M1P" + pid + "Q1R00000000." + host;
}
std::string alive() { return std::to_string(::getpid()); }
std::string dead() {
  return in_child([] { return std::to_string(::getpid()); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_sweep)

BOOST_AUTO_TEST_CASE(a_file_whose_owner_is_dead_is_removed) {
  Staged staged;
  staged.leave(name_of(dead(), "host"));
  auto swept = staged.spool.sweep();
  BOOST_TEST(swept.value().removed == 1u);
  BOOST_TEST(swept.value().kept == 0u);
  BOOST_TEST(staged.staged().empty());
}

BOOST_AUTO_TEST_CASE(a_file_whose_owner_lives_is_kept) {
  Staged staged;
  auto begun = staged.spool.begin(false).value();
  BOOST_TEST(staged.spool.sweep().value().kept == 1u);
  BOOST_TEST(staged.staged().size() == 1u);
  BOOST_TEST(begun.append("x").ok());
  BOOST_TEST(begun.end_content().ok());
  BOOST_TEST(begun.complete().ok());
}

BOOST_AUTO_TEST_CASE(a_process_of_another_host_is_not_asked_for) {
  Staged staged;
  staged.leave(name_of(dead(), "elsewhere"));
  staged.leave(name_of(dead(), "host.example.org"));
  BOOST_TEST(staged.spool.sweep().value().kept == 2u);
}

BOOST_AUTO_TEST_CASE(what_nobody_can_still_be_delivering_is_removed_whoever_made_it) {
  Staged staged;
  staged.leave(name_of(alive(), "host"), std::chrono::hours(37));
  staged.leave(name_of("1", "elsewhere"), std::chrono::hours(37));
  staged.leave("stray", std::chrono::hours(37));
  staged.leave("fresh-stray", std::chrono::hours(35));
  BOOST_TEST(staged.spool.sweep().value().removed == 3u);
  BOOST_TEST(staged.staged() == std::set<std::string>{"fresh-stray"});
}

BOOST_AUTO_TEST_CASE(only_files_are_removed_and_only_in_staging) {
  Staged staged;
  staged.place.make(".handoff/staging/" + name_of(dead(), "host"));
  staged.place.write("precious", "kept");
  staged.place.link("../../precious", ".handoff/staging/" + name_of(dead() + "0", "host"));
  auto mailbox = staged.mailbox("pat");
  auto mail = "example.org/pat/new/" + name_of(dead(), "host");
  staged.place.write(mail, "mail");
  BOOST_TEST(staged.spool.sweep().value().kept == 2u);
  BOOST_TEST(staged.place.read("precious") == "kept");
  BOOST_TEST(staged.place.read(mail) == "mail");
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_removed_does_not_keep_the_others) {
  Staged staged;
  auto stuck = name_of(dead(), "host");
  staged.leave(stuck);
  staged.leave("stray", std::chrono::hours(37));
  staged.files.fault = [&](const Call& call) {
    return call.op == Op::kUnlink && call.path.ends_with(stuck) ? EACCES : 0;
  };
  auto swept = staged.spool.sweep();
  BOOST_TEST(swept.value().removed == 1u);
  BOOST_TEST(swept.value().kept == 1u);
  staged.files.fault = [](const Call& call) { return call.op == Op::kList ? EIO : 0; };
  BOOST_TEST(staged.spool.sweep().error().code == EIO);
}

BOOST_AUTO_TEST_SUITE_END()
