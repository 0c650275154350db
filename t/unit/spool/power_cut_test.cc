// The power fails between any two calls of a delivery and its cleanup. Every possible state of the
// disk is a row of src/spool/README; no acknowledged message is lost; and a retry after unread
// replies finds the first copy (L5, L12).
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <utility>

#include "in_child.hh"
#include "lost_power.hh"
#include "scenarios.hh"

using namespace handoff;

namespace {

// One delivery, call by call, until the client is known to have read its replies or to have
// disconnected.
struct Story {
  std::vector<Call> calls;
  std::vector<std::string> mailboxes;
  std::string stored;                     // the expected content of each mailbox
  std::vector<std::size_t> acknowledged;  // after this many calls the client may have read the 250
  std::size_t read = SIZE_MAX;  // after this many calls the client does not send the message again
  std::optional<ModelDisk> any_order, in_order;  // before the first call

  ModelDisk disk(Metadata metadata) const {
    return metadata == Metadata::kInOrder ? *in_order : *any_order;
  }
  bool is_acknowledged(std::size_t mailbox, std::size_t done) const {
    return acknowledged[mailbox] <= done;
  }
};

enum class Client { kReads, kVanishes };

// `unsynced`: another worker created the mailboxes without syncing them.
// `sync`: the pretended guarantees of the filesystem (sys/filesystem.hh).
Story play(const Scenario& scenario, Client client, bool unsynced = false,
           sys::FileSync sync = sys::FileSync::kFile) {
  Story story;
  Delivery delivery;
  delivery.files.sync = sync;
  delivery.guard = true;
  delivery.own_staging = scenario.own_staging;
  delivery.files.hide_birth = scenario.old;
  std::vector<Mailbox> mailboxes;
  if (!unsynced) mailboxes = scenario.mailboxes(delivery);
  auto spool = delivery.open().value();
  story.any_order.emplace(delivery.place.path(), Metadata::kAnyOrder);
  story.in_order.emplace(delivery.place.path(), Metadata::kInOrder);
  if (unsynced) {
    mailboxes = scenario.mailboxes(delivery);
    story.calls = {{Op::kMakeDirectory, "example.org"}};
    for (const auto& mailbox : mailboxes) {
      // Makes the mailbox young: its age follows from the time of its directory.
      std::filesystem::last_write_time(delivery.place.path(mailbox.path),
                                       std::filesystem::file_time_type::clock::now());
      story.calls.push_back({Op::kMakeDirectory, mailbox.path});
      for (const char* name : {"/tmp", "/cur", "/new"}) {
        story.calls.push_back({Op::kMakeDirectory, mailbox.path + name});
      }
    }
  }
  for (const auto& mailbox : mailboxes) story.mailboxes.push_back(mailbox.path);
  std::string line;
  for (char c : scenario.personal) line += c == '\r' ? "" : std::string(1, c);
  story.stored = "a: b\n" + line + "\nbody\n";

  auto before = story.calls.size();
  delivery.files.calls.clear();
  delivery.files.fault = scenario.fault;
  {
    auto message = complete_message(*spool, mailboxes, kMessage);
    auto outcomes = deliver_to(message, mailboxes, scenario.personal, [&] {
      story.acknowledged.push_back(before + delivery.files.calls.size());
    });
    for (const auto& outcome : outcomes) BOOST_REQUIRE(outcome.ok());
    message.replies_written();
    if (client == Client::kReads) {
      message.replies_read();
      story.read = before + delivery.files.calls.size();
    } else {
      BOOST_REQUIRE(message.replies_unread().ok());
    }
  }
  std::ranges::copy(delivery.files.calls, std::back_inserter(story.calls));
  return story;
}

// Returns the content of the files in a folder, by path.
std::vector<std::pair<std::string, std::string>> files_in(const Tree& tree,
                                                          const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto it = tree.lower_bound(folder + "/");
       it != tree.end() && it->first.starts_with(folder + "/"); ++it) {
    if (it->second) out.emplace_back(it->first, *it->second);
  }
  return out;
}

// Returns what README does not allow in a tree, or an empty string. `done`: number of calls.
std::string fault_of(const Story& story, const Tree& tree, std::size_t done) {
  for (std::size_t i = 0; i < story.mailboxes.size(); ++i) {
    const auto& mailbox = story.mailboxes[i];
    auto messages = files_in(tree, mailbox + "/new");
    for (const auto& [path, octets] : messages) {
      if (octets != story.stored) return "damaged: " + path;
      if (!path.ends_with(",S=" + std::to_string(octets.size()))) return "misnamed: " + path;
    }
    if (messages.size() > 1) return "twice: " + mailbox;
    if (messages.empty() && story.is_acknowledged(i, done)) return "lost: " + mailbox;
    if (!files_in(tree, mailbox + "/cur").empty()) return "in cur/: " + mailbox;
  }
  return {};
}

// Returns the row of README that describes a tree.
std::string row_of(const Story& story, const Tree& tree, std::size_t done) {
  bool linked = false;
  bool handed_over = true;
  for (std::size_t i = 0; i < story.mailboxes.size(); ++i) {
    bool there = !files_in(tree, story.mailboxes[i] + "/new").empty();
    linked = linked || there;
    handed_over = handed_over && there && story.is_acknowledged(i, done);
  }
  if (handed_over) return "handed over";
  if (linked) return "linked";
  auto staged = files_in(tree, ".handoff/staging");
  bool complete = !staged.empty() && staged.front().second == "a: b\n\nbody\n";
  return complete ? "complete" : staged.empty() ? "nothing" : "receiving";
}

// Returns the first violation after any power failure.
std::string first_fault(const Story& story, const std::vector<Call>& calls, Metadata metadata,
                        const std::function<void(std::size_t, const Tree&)>& see = {}) {
  auto disk = story.disk(metadata);
  std::string fault;
  for (std::size_t done = 0; done <= calls.size() && fault.empty(); ++done) {
    disk.each_outcome([&](const Tree& tree) {
      if (fault.empty()) fault = fault_of(story, tree, done);
      if (!fault.empty()) return;
      if (see) see(done, tree);
    });
    if (!fault.empty()) fault += " behind call " + std::to_string(done);
    if (done < calls.size()) disk.apply(calls[done]);
  }
  return fault;
}

bool makes_mailboxes(const Scenario& scenario) {
  return std::string_view(scenario.name).find("to be made") != std::string_view::npos;
}

// The spool of another process on the remaining tree.
struct Afterwards {
  Delivery delivery;

  // The names are those of a dead process.
  explicit Afterwards(const Tree& tree) {
    static const std::string dead = in_child([] { return std::to_string(::getpid()); });
    auto own = "P" + std::to_string(::getpid()) + "Q";
    for (const auto& [path, octets] : tree) {
      auto name = path;
      if (auto at = name.find(own); at != name.npos) name.replace(at, own.size(), "P" + dead + "Q");
      if (octets) {
        delivery.place.write(name, *octets);
      } else {
        delivery.place.make(name);
      }
    }
    delivery.guard = true;
  }

  // The client sends it again; returns the number of copies in each mailbox.
  std::vector<std::size_t> retry(const Story& story) {
    auto spool = delivery.open().value();
    BOOST_REQUIRE(spool->sweep().ok());
    std::vector<Mailbox> mailboxes;
    for (const auto& path : story.mailboxes) mailboxes.push_back({path, "", "", true});
    BOOST_REQUIRE(delivery.deliver(*spool, mailboxes, kMessage, "").ok());
    return copies(story);
  }
  std::vector<std::size_t> copies(const Story& story) {
    std::vector<std::size_t> out;
    for (const auto& path : story.mailboxes) {
      out.push_back(delivery.place.names(path + "/new").size());
    }
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_power_cut)

BOOST_AUTO_TEST_CASE(after_a_power_cut_the_disk_matches_a_row_of_README_L5) {
  std::set<std::string> rows;
  std::size_t trees = 0;
  auto look = [&](const Story& story, const std::string& name) {
    for (auto metadata : {Metadata::kAnyOrder, Metadata::kInOrder}) {
      auto fault = first_fault(story, story.calls, metadata, [&](std::size_t done, const Tree& t) {
        rows.insert(row_of(story, t, done));
        ++trees;
      });
      BOOST_TEST(fault == "", name << ": " << fault);
    }
  };
  for (const auto& scenario : scenarios()) {
    for (auto client : {Client::kReads, Client::kVanishes}) {
      look(play(scenario, client), scenario.name);
      if (!makes_mailboxes(scenario)) look(play(scenario, client, true), scenario.name);
    }
  }
  BOOST_TEST(
      rows == (std::set<std::string>{"nothing", "receiving", "complete", "linked", "handed over"}),
      boost::test_tools::per_element());
  BOOST_TEST_MESSAGE(trees << " trees");
  BOOST_TEST(trees > 1000u);
}

// Each sync is necessary: without it a power failure causes a violation.
BOOST_AUTO_TEST_CASE(if_any_sync_is_omitted_a_message_can_be_lost_L5) {
  for (const auto& scenario : scenarios()) {
    for (bool unsynced : {false, true}) {
      if (unsynced && makes_mailboxes(scenario)) continue;
      auto story = play(scenario, Client::kReads, unsynced);
      std::set<std::string> linked;   // files that are linked into new/
      std::set<std::string> changed;  // directories with unsynced changes
      for (const Call& call : story.calls) {
        if (call.failed != 0) continue;
        if (call.op == Op::kLink) linked.insert(call.path);
        if (call.op == Op::kMakeDirectory || call.op == Op::kLink) {
          auto path = std::filesystem::path(call.op == Op::kLink ? call.target : call.path);
          auto parent = path.parent_path().string();
          changed.insert(parent.empty() ? "." : parent);
        }
      }
      std::size_t caught = 0;
      for (std::size_t i = 0; i < story.calls.size(); ++i) {
        const Call& call = story.calls[i];
        // A copy is made from the staged file while its data is in memory. Syncs of directories
        // before they are inspected are only precautions.
        bool matters = (call.op == Op::kSyncData && linked.contains(call.path)) ||
                       (call.op == Op::kSyncDirectory && changed.contains(call.path));
        if (!matters) continue;
        auto again = [&](const Call& other) {
          return other.op == call.op && other.path == call.path;
        };
        // Three mailboxes of one domain: each delivery syncs the domain.
        auto without = story.calls;
        for (auto& other : without) {
          if (again(other)) other.failed = EIO;  // the failed call counts as not made
        }
        BOOST_TEST(first_fault(story, without, Metadata::kAnyOrder) != "",
                   scenario.name << ", unsynced " << unsynced << ": nobody missed " << call.text());
        ++caught;
      }
      BOOST_TEST(caught >= 2u, scenario.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(syncing_data_after_its_name_is_detected_L5) {
  auto all = scenarios();
  auto story = play(all.front(), Client::kReads);
  auto calls = story.calls;
  auto sync = std::ranges::find(calls, Op::kSyncData, &Call::op);
  auto link = std::ranges::find(calls, Op::kLink, &Call::op);
  BOOST_REQUIRE((sync < link && link != calls.end()));
  std::rotate(sync, sync + 1, link + 1);
  for (auto metadata : {Metadata::kAnyOrder, Metadata::kInOrder}) {
    BOOST_TEST(first_fault(story, calls, metadata).starts_with("damaged"));
  }
}

// With one sync for all destinations, on filesystems that keep the order of names, the disk matches
// the same rows, and the retry finds every delivered copy.
BOOST_AUTO_TEST_CASE(with_one_sync_for_all_the_disk_matches_a_row_of_README_L5_L12) {
  for (auto sync : {sys::FileSync::kNamesInOrder, sys::FileSync::kNames}) {
    for (const auto& scenario : scenarios()) {
      auto story = play(scenario, Client::kReads, false, sync);
      std::set<std::pair<Tree, bool>> seen;
      auto look = [&](std::size_t done, const Tree& tree) {
        bool again = done < story.read;
        if (!scenario.personal.empty() || !seen.emplace(tree, again).second) return;
        Afterwards after(tree);
        auto copies = again ? after.retry(story) : after.copies(story);
        BOOST_TEST(copies == std::vector<std::size_t>(story.mailboxes.size(), 1),
                   scenario.name << " behind call " << done);
      };
      BOOST_TEST(first_fault(story, story.calls, Metadata::kInOrder, look) == "", scenario.name);
      // Without that sync, acknowledged messages would be lost.
      auto one = std::ranges::find(story.calls, Op::kSyncFile, &Call::op);
      BOOST_REQUIRE((one != story.calls.end()));
      bool links = std::any_of(story.calls.begin(), one, [](const Call& call) {
        return call.op == Op::kLink && call.failed == 0 && leaves_staging(call);
      });
      auto without = story.calls;
      without[static_cast<std::size_t>(one - story.calls.begin())].failed = EIO;
      if (links) BOOST_TEST(first_fault(story, without, Metadata::kInOrder) != "", scenario.name);
    }
  }
}

// As on ext4, XFS and btrfs: names reach the disk in order.
BOOST_AUTO_TEST_CASE(a_message_sent_again_after_a_power_cut_is_stored_once_L12) {
  for (const auto& scenario : scenarios()) {
    if (!scenario.personal.empty()) continue;  // another test covers retries that write other lines
    for (auto client : {Client::kReads, Client::kVanishes}) {
      auto story = play(scenario, client);
      std::set<std::pair<Tree, bool>> seen;
      auto look = [&](std::size_t done, const Tree& tree) {
        bool again = done < story.read;
        if (!seen.emplace(tree, again).second) return;
        Afterwards after(tree);
        auto copies = again ? after.retry(story) : after.copies(story);
        BOOST_TEST(copies == std::vector<std::size_t>(story.mailboxes.size(), 1),
                   scenario.name << " behind call " << done);
      };
      BOOST_TEST(first_fault(story, story.calls, Metadata::kInOrder, look) == "");
      BOOST_TEST(seen.size() > 5u, scenario.name);
    }
  }
}

// If only POSIX is guaranteed, the name in staging may be lost although the one in new/ is not:
// then there is no trace of the first try. Once it is recorded in unread/, it is known in any
// order.
BOOST_AUTO_TEST_CASE(no_order_of_names_loses_a_message_and_a_recorded_one_is_stored_once_L12) {
  auto all = scenarios();
  for (const auto* name : {"an old mailbox", "another filesystem", "a mailbox to be made"}) {
    auto scenario = std::ranges::find(all, std::string_view(name), &Scenario::name);
    auto story = play(*scenario, Client::kVanishes);
    auto sync = std::ranges::find_if(story.calls, [](const Call& call) {
      return call.op == Op::kSyncDirectory && call.path == ".handoff/unread";
    });
    BOOST_REQUIRE((sync != story.calls.end()));
    auto noted = static_cast<std::size_t>(sync - story.calls.begin()) + 1;
    std::set<Tree> seen;
    auto look = [&](std::size_t done, const Tree& tree) {
      if (!seen.insert(tree).second && done != noted) return;
      auto copies = Afterwards(tree).retry(story).front();
      BOOST_TEST((copies == 1 || (copies == 2 && done < noted)),
                 name << " behind call " << done << ": " << copies << " copies");
    };
    BOOST_TEST(first_fault(story, story.calls, Metadata::kAnyOrder, look) == "");
  }
}

// The power fails again during the recovery.
BOOST_AUTO_TEST_CASE(after_a_second_power_cut_the_first_try_is_still_found_L12) {
  auto story = play(scenarios().front(), Client::kReads);
  auto disk = story.disk(Metadata::kInOrder);
  for (std::size_t i = 0; i < story.acknowledged.back(); ++i) disk.apply(story.calls[i]);
  std::optional<Tree> left;
  disk.each_outcome([&](const Tree& tree) { left = tree; });
  Afterwards first(*left);
  ModelDisk again(first.delivery.place.path(), Metadata::kAnyOrder);
  {
    auto spool = first.delivery.open().value();
    BOOST_TEST(spool->sweep().value().removed == 1u);
  }
  const auto& calls = first.delivery.files.calls;
  for (std::size_t done = 0; done <= calls.size(); ++done) {
    again.each_outcome([&](const Tree& tree) {
      BOOST_TEST(Afterwards(tree).retry(story).front() == 1u, "behind call " << done);
    });
    if (done < calls.size()) again.apply(calls[done]);
  }
}

BOOST_AUTO_TEST_SUITE_END()
