// Files that a crash left in staging are removed; files in use are kept.
#include "spool/sweep.hh"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <vector>

#include "delivery.hh"
#include "in_child.hh"

using namespace handoff;

namespace {

struct Leftovers : Delivery {
  std::unique_ptr<spool::Spool> spool = open().value();
  std::vector<std::string> found;

  handoff::Result<spool::Swept> sweep_all(bool dry_run = false) {
    found.clear();
    spool::Spool::Sweeping how;
    how.mailboxes = true;
    how.dry_run = dry_run;
    how.found = [this](const std::string& path) { found.push_back(path); };
    return spool->sweep(how);
  }
  void leave_at(const std::string& path, std::chrono::hours age = std::chrono::hours(0)) {
    place.write(path, "left");
    std::filesystem::last_write_time(place.path(path),
                                     std::filesystem::file_time_type::clock::now() - age);
  }

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

BOOST_AUTO_TEST_CASE(a_file_of_a_dead_process_is_removed) {
  Leftovers staged;
  staged.leave(name_of(dead(), "host"));
  auto swept = staged.spool->sweep();
  BOOST_TEST(swept.value().removed == 1u);
  BOOST_TEST(swept.value().kept == 0u);
  BOOST_TEST(staged.staged().empty());
}

BOOST_AUTO_TEST_CASE(a_file_of_a_running_process_is_kept) {
  Leftovers staged;
  auto begun = staged.spool->begin(false).value();
  BOOST_TEST(staged.spool->sweep().value().kept == 1u);
  BOOST_TEST(staged.staged().size() == 1u);
  BOOST_TEST(begun.append("x").ok());
  BOOST_TEST(begun.complete({}).ok());
}

// After a power cut, a restarted container has another host name, but its processes have the same
// ids as before.
BOOST_AUTO_TEST_CASE(
    files_of_earlier_processes_are_removed_although_host_name_or_process_id_differ) {
  Leftovers staged;
  staged.leave(name_of(dead(), "elsewhere"));
  staged.leave(name_of(alive(), "elsewhere"));
  staged.leave(name_of(alive(), "host"));
  BOOST_TEST(staged.spool->sweep().value().removed == 3u);
}

BOOST_AUTO_TEST_CASE(files_of_a_process_in_another_container_are_kept) {
  Leftovers staged;
  staged.leave(name_of(dead(), "elsewhere"));
  auto begun = staged.spool->begin(false).value();
  auto seen = in_other_container([&] {
    auto spool = spool::Spool::open(staged.posix, {staged.place.path(), "other"}).value();
    auto swept = spool->sweep().value();
    return std::to_string(swept.kept) + " kept, " + std::to_string(swept.removed) + " removed";
  });
  BOOST_TEST(seen == "1 kept, 1 removed");
}

BOOST_AUTO_TEST_CASE(files_that_are_too_old_are_removed_whoever_made_them) {
  Leftovers staged;
  staged.leave(name_of(alive(), "host"), std::chrono::hours(37));
  staged.leave(name_of("1", "elsewhere"), std::chrono::hours(37));
  staged.leave("stray", std::chrono::hours(37));
  staged.leave("fresh-stray", std::chrono::hours(35));
  BOOST_TEST(staged.spool->sweep().value().removed == 3u);
  BOOST_TEST(staged.staged() == std::set<std::string>{"fresh-stray"});
}

BOOST_AUTO_TEST_CASE(only_files_are_removed_and_only_in_staging) {
  Leftovers staged;
  staged.place.make(".handoff/staging/" + name_of(dead(), "host"));
  staged.place.write("precious", "kept");
  staged.place.link("../../precious", ".handoff/staging/" + name_of(dead() + "0", "host"));
  auto mailbox = staged.mailbox("pat");
  auto mail = "example.org/pat/new/" + name_of(dead(), "host");
  staged.place.write(mail, "mail");
  BOOST_TEST(staged.spool->sweep().value().kept == 2u);
  BOOST_TEST(staged.place.read("precious") == "kept");
  BOOST_TEST(staged.place.read(mail) == "mail");
}

BOOST_AUTO_TEST_CASE(files_in_the_folders_of_processes_are_swept_like_those_in_staging) {
  Leftovers staged;
  staged.place.make(".handoff/staging/7e");
  staged.place.make(".handoff/staging/another");
  auto left = name_of(dead(), "host");
  staged.leave("7e/" + left);
  staged.leave("7e/stray");
  staged.leave("another/" + left);
  auto swept = staged.sweep_all();
  BOOST_TEST(swept.value().removed == 1u);
  BOOST_TEST(staged.found == std::vector<std::string>{".handoff/staging/7e/" + left});
  BOOST_TEST(staged.staged() == (std::set<std::string>{"7e/stray", "another/" + left}));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_removed_does_not_prevent_removing_others) {
  Leftovers staged;
  auto stuck = name_of(dead(), "host");
  staged.leave(stuck);
  staged.leave("stray", std::chrono::hours(37));
  staged.files.fault = [&](const Call& call) {
    return call.op == Op::kUnlink && call.path.ends_with(stuck) ? EACCES : 0;
  };
  auto swept = staged.spool->sweep();
  BOOST_TEST(swept.value().removed == 1u);
  BOOST_TEST(swept.value().kept == 1u);
  staged.files.fault = [](const Call& call) { return call.op == Op::kList ? EIO : 0; };
  BOOST_TEST(staged.spool->sweep().error().code == EIO);
}

BOOST_AUTO_TEST_CASE(files_of_dead_processes_in_tmp_are_removed_even_in_folders) {
  Leftovers staged;
  staged.mailbox("pat");
  staged.place.make("example.org/pat/.lists/tmp");
  staged.place.make("example.org/pat/.lists/new");
  staged.place.make("example.org/pat/.lists/cur");
  auto name = name_of(dead(), "host");
  staged.leave_at("example.org/pat/tmp/" + name);
  staged.leave_at("example.org/pat/.lists/tmp/" + name);
  staged.leave_at("example.org/pat/new/" + name, std::chrono::hours(99));
  staged.leave_at("example.org/pat/cur/" + name, std::chrono::hours(99));
  auto only_said = staged.sweep_all(true).value();
  BOOST_TEST(only_said.removed == 0u);
  BOOST_TEST(staged.found.size() == 2u);
  BOOST_TEST(staged.place.has("example.org/pat/tmp/" + name));
  BOOST_TEST(staged.sweep_all().value().removed == 2u);
  BOOST_TEST(!staged.place.has("example.org/pat/tmp/" + name));
  BOOST_TEST(!staged.place.has("example.org/pat/.lists/tmp/" + name));
  BOOST_TEST(staged.place.has("example.org/pat/new/" + name));
  BOOST_TEST(staged.place.has("example.org/pat/cur/" + name));
}

BOOST_AUTO_TEST_CASE(files_of_other_programs_in_tmp_are_kept_until_they_are_old) {
  Leftovers staged;
  staged.mailbox("pat");
  std::vector<std::string> kept{name_of(alive(), "host"), name_of(dead(), "elsewhere"),
                                // Files of Dovecot and maildrop, whose processes cannot be checked.
                                "1764000000.M1P" + dead() + ".host",
                                "1764000000.P" + dead() + "Q1.host", "msg"};
  for (const auto& name : kept) staged.leave_at("example.org/pat/tmp/" + name);
  BOOST_TEST(staged.sweep_all().value().removed == 0u);
  for (const auto& name : kept) {
    staged.leave_at("example.org/pat/tmp/" + name, std::chrono::hours(37));
  }
  BOOST_TEST(staged.sweep_all().value().removed == kept.size());
}

BOOST_AUTO_TEST_CASE(a_running_delivery_through_tmp_is_not_swept) {
  Leftovers staged;
  auto mailbox = staged.mailbox("pat");
  unsigned swept = 0;
  staged.files.fault = [&](const Call& call) {
    if (call.op == Op::kLink && call.path.starts_with(".handoff/")) return EXDEV;
    if (call.op != Op::kLink) return 0;
    // Another process sweeps when the copy in tmp/ is complete but has no other name yet.
    auto removed = in_child([&] {
      Delivery other;
      auto spool = spool::Spool::open(other.posix, {staged.place.path(), "host"});
      spool::Spool::Sweeping how;
      how.mailboxes = true;
      return std::to_string(spool.value()->sweep(how).value().removed);
    });
    swept += removed == "0" ? 1u : 100u;
    return 0;
  };
  BOOST_TEST(staged.deliver(*staged.spool, {mailbox}).ok());
  BOOST_TEST(swept == 1u);
  BOOST_TEST(staged.only_message("pat") == "a: b\n\nbody\n");
}

BOOST_AUTO_TEST_CASE(other_directories_are_left_alone_and_links_are_not_followed) {
  Leftovers staged;
  auto name = name_of(dead(), "host");
  staged.place.make("example.org/tmp");  // a user named tmp, without new/ and cur/
  staged.leave_at("example.org/tmp/" + name, std::chrono::hours(99));
  TemporaryDirectory outside;
  for (const char* folder : {"tmp", "new", "cur"}) outside.make(folder);
  outside.write("tmp/" + name, "precious");
  staged.place.link(outside.path(), "example.org/pat");
  BOOST_TEST(staged.sweep_all().value().removed == 0u);
  BOOST_TEST(outside.read("tmp/" + name) == "precious");
}

BOOST_AUTO_TEST_CASE(an_unreadable_folder_does_not_prevent_sweeping_the_others) {
  Leftovers staged;
  staged.mailbox("kim");
  staged.mailbox("pat");
  auto name = name_of(dead(), "host");
  staged.leave_at("example.org/pat/tmp/" + name);
  staged.files.fault = [](const Call& call) {
    return call.op == Op::kOpenDirectory && call.path == "example.org/kim" ? EACCES : 0;
  };
  auto swept = staged.sweep_all().value();
  BOOST_TEST(swept.removed == 1u);
  BOOST_TEST(swept.unread == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
