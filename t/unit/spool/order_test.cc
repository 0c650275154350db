// Several copies for one recipient: one outcome, and flags (F26).
#include "spool/order.hh"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "delivery.hh"
#include "in_child.hh"
#include "lost_power.hh"
#include "planned.hh"

using namespace handoff;
using spool::CopyOrder;
using spool::Order;

namespace {

// A destination with an order.
class Ordered final : public spool::Destination {
 public:
  explicit Ordered(Order order) : order_(std::move(order)) {}
  Result<std::optional<spool::Delivered>> link(spool::Message& message,
                                               std::string_view personal) override {
    return message.link_order(order_, personal);
  }
  Result<spool::Delivered> deliver(spool::Message& message, std::string_view personal) override {
    return message.write_order(order_, personal);
  }

 private:
  Order order_;
};

Outcomes carry_out(spool::Message& message, const std::vector<Order>& orders,
                   const std::function<void()>& settled = {}) {
  std::vector<Ordered> destinations(orders.begin(), orders.end());
  std::vector<spool::Message::Delivery> deliveries;
  for (auto& destination : destinations) deliveries.push_back({&destination, ""});
  Outcomes outcomes;
  message.deliver(deliveries, {.may_wait = [] { return true; },
                               .step_done = [](sys::Steady::duration) {},
                               .settled =
                                   [&](std::size_t, const auto& outcome) {
                                     outcomes.push_back(outcome);
                                     if (settled) settled();
                                   }});
  return outcomes;
}

// A mailbox with two folders, none of them young.
struct Folders {
  Delivery delivery;
  Mailbox inbox = delivery.mailbox("pat");

  Folders() {
    for (const char* folder : {"A", "B"}) {
      for (const char* name : {"tmp", "cur", "new"})
        delivery.place.make(inbox.path + "/." + folder + "/" + name);
    }
    delivery.files.hide_birth = true;
    for (const char* place : {"", "/.A", "/.B"}) {
      std::filesystem::last_write_time(
          delivery.place.path(inbox.path + place),
          std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    }
  }
  Mailbox in(const std::string& folder) const {
    auto mailbox = inbox;
    mailbox.folder = folder;
    return mailbox;
  }
  std::set<std::string> names(const std::string& folder) {
    return delivery.place.names(inbox.path + folder);
  }
  Order both() const {
    return {"pat", {{in("A"), {}, nullptr}, {in("B"), spool::flags_of({"\\Seen"}), nullptr}}};
  }
};

constexpr sys::FileSync kSyncs[] = {sys::FileSync::kFile, sys::FileSync::kNames,
                                    sys::FileSync::kNamesInOrder};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_order)

BOOST_AUTO_TEST_CASE(each_copy_is_in_its_folder_and_one_with_flags_in_cur_F26) {
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    auto spool = folders.delivery.open().value();
    {
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      auto outcomes = carry_out(message, {folders.both()});
      BOOST_REQUIRE(outcomes.front().ok());
      message.replies_written();
      message.replies_read();
    }
    auto first = folders.names("/.A/new");
    auto second = folders.names("/.B/cur");
    BOOST_REQUIRE(first.size() == 1u);
    BOOST_REQUIRE(second.size() == 1u);
    BOOST_TEST(*first.begin() + ":2,S" == *second.begin());
    BOOST_TEST(folders.names("/new").empty());
    BOOST_TEST(folders.delivery.staged().empty());
  }
}

BOOST_AUTO_TEST_CASE(an_edited_copy_has_its_text_and_its_size_in_the_name) {
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    auto spool = folders.delivery.open().value();
    auto text = std::make_shared<const std::string>("x: y\na: b\n\nbody\n");
    {
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      Order order{"pat", {{folders.in("A"), {}, text}, {folders.in("B"), {}, nullptr}}};
      BOOST_REQUIRE(carry_out(message, {order}).front().ok());
      message.replies_written();
      message.replies_read();
    }
    auto name = *folders.names("/.A/new").begin();
    BOOST_TEST(folders.delivery.place.read(folders.inbox.path + "/.A/new/" + name) == *text);
    BOOST_TEST(name.ends_with(",S=" + std::to_string(text->size())));
    BOOST_TEST(folders.delivery.staged().empty());
  }
}

BOOST_AUTO_TEST_CASE(equal_copies_of_two_recipients_are_stored_once_F29) {
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    auto spool = folders.delivery.open().value();
    auto message = complete_message(*spool, {folders.inbox}, kMessage);
    auto second = folders.both();
    second.recipient = "info";
    second.copies.push_back({folders.in("A"), spool::flags_of({"\\Flagged"}), nullptr});
    auto outcomes = carry_out(message, {folders.both(), second});
    BOOST_TEST((outcomes[0].ok() && outcomes[1].ok()));
    BOOST_TEST(folders.names("/.A/new").size() == 1u);
    BOOST_TEST(folders.names("/.B/cur").size() == 1u);
    auto flagged = folders.names("/.A/cur");
    BOOST_REQUIRE(flagged.size() == 1u);
    // Readers identify a message by the part of the name before ",S=".
    auto plain = *folders.names("/.A/new").begin();
    BOOST_TEST(!flagged.begin()->starts_with(plain.substr(0, plain.find(','))));
    message.replies_written();
    message.replies_read();
  }
}

BOOST_AUTO_TEST_CASE(if_one_copy_fails_none_remains_F26) {
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    std::filesystem::remove_all(folders.delivery.place.path(folders.inbox.path + "/.B/cur"));
    folders.delivery.place.write(folders.inbox.path + "/.B/cur", "");
    auto spool = folders.delivery.open().value();
    {
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      auto outcomes = carry_out(message, {folders.both()});
      BOOST_TEST(!outcomes.front().ok());
      BOOST_TEST(!message.is_delivered());
    }
    BOOST_TEST(folders.names("/.A/new").empty());
    BOOST_TEST(folders.delivery.staged().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_failed_sync_removes_all_copies_F26) {
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    auto spool = folders.delivery.open().value();
    {
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      folders.delivery.files.fault = [](const Call& call) {
        return call.op == Op::kSyncFile || call.op == Op::kSyncDirectory ? EIO : 0;
      };
      BOOST_TEST(!carry_out(message, {folders.both()}).front().ok());
      folders.delivery.files.fault = {};
    }
    BOOST_TEST(folders.names("/.A/new").empty());
    BOOST_TEST(folders.names("/.B/cur").empty());
  }
}

// The copies of an earlier try are durable, but what the plan sends and its record are not.
BOOST_AUTO_TEST_CASE(after_a_failed_sync_existing_copies_do_not_cause_a_250_L5) {
  for (auto sync : {sys::FileSync::kNames, sys::FileSync::kNamesInOrder}) {
    Folders folders;
    auto& delivery = folders.delivery;
    delivery.files.sync = sync;
    delivery.guard = true;
    auto spool = delivery.open().value();
    {
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      BOOST_REQUIRE(carry_out(message, {folders.both()}).front().ok());
      message.replies_written();
      BOOST_REQUIRE(message.replies_unread().ok());
    }
    for (bool fails : {true, false}) {
      auto order = folders.both();
      order.outgoing = {redirect_to("a@x")};
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      if (fails)
        delivery.files.fault = [](const Call& call) { return call.op == Op::kSyncFile ? EIO : 0; };
      auto outcome = carry_out(message, {order}).front();
      delivery.files.fault = {};
      BOOST_TEST(outcome.ok() == !fails);
      BOOST_TEST(spool->outgoing().value()->ready().value().size() == (fails ? 0u : 1u));
      if (fails) continue;
      BOOST_TEST(outcome.value().already);
      message.replies_written();
      message.replies_read();
    }
    BOOST_TEST(folders.names("/.A/new").size() == 1u);
  }
}

// Without a record, the script would see the mark when the message is sent again, and discard it.
BOOST_AUTO_TEST_CASE(a_mark_of_duplicate_follows_the_record_and_may_fail_L5) {
  using Kind = spool::UserMark::Kind;
  for (auto sync : kSyncs) {
    for (auto kind : {Kind::kDuplicate, Kind::kVacation}) {
      Folders folders;
      auto& delivery = folders.delivery;
      delivery.files.sync = sync;
      auto spool = delivery.open().value();
      auto order = folders.both();
      order.marks = {{"pat", kind, "id", 60}};
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      bool recorded = false;
      bool late = true;
      unsigned asked = 0;
      delivery.files.fault = [&](const Call& call) {
        recorded =
            recorded || (call.op == Op::kLink && call.text().find("done") != call.text().npos);
        if (call.op == Op::kUnlink || call.text().find("marks") == call.text().npos) return 0;
        ++asked;
        late = late && recorded;
        return EIO;
      };
      bool accepted = carry_out(message, {order}).front().ok();
      delivery.files.fault = {};
      BOOST_TEST(asked > 0u);
      BOOST_TEST(late == (kind == Kind::kDuplicate));
      BOOST_TEST(accepted == (kind == Kind::kDuplicate));
      BOOST_TEST(folders.names("/.A/new").size() == (accepted ? 1u : 0u));
    }
  }
}

// The record says that the copies exist.
BOOST_AUTO_TEST_CASE(a_failed_plan_loses_its_record_before_its_copies_L5) {
  Folders folders;
  auto& delivery = folders.delivery;
  delivery.files.sync = sys::FileSync::kFile;
  auto spool = delivery.open().value();
  auto message = complete_message(*spool, {folders.inbox}, kMessage);
  std::vector<std::string> removed;
  bool recorded = false;
  delivery.files.fault = [&](const Call& call) {
    bool in_records = call.text().find("done") != call.text().npos;
    recorded = recorded || (call.op == Op::kLink && in_records);
    if (call.op == Op::kUnlink && recorded) removed.push_back(call.text());
    return call.op == Op::kSyncDirectory && recorded ? EIO : 0;
  };
  BOOST_TEST(!carry_out(message, {folders.both()}).front().ok());
  delivery.files.fault = {};
  BOOST_REQUIRE(removed.size() == 3u);
  BOOST_TEST(removed.front().find("done") != std::string::npos);
  BOOST_TEST(folders.names("/.A/new").empty());
}

// The power fails after each call. All copies of an acknowledged message are there, and the retry
// of any other message yields one copy in each folder.
BOOST_AUTO_TEST_CASE(after_a_power_cut_all_copies_are_there_or_the_retry_makes_them_once_F26_L12) {
  static const std::string dead = in_child([] { return std::to_string(::getpid()); });
  auto own = "P" + std::to_string(::getpid()) + "Q";
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    folders.delivery.guard = true;
    auto spool = folders.delivery.open().value();
    ModelDisk disk(folders.delivery.place.path(), Metadata::kInOrder);
    folders.delivery.files.calls.clear();
    std::size_t acknowledged = 0;
    std::size_t read = 0;
    {
      auto message = complete_message(*spool, {folders.inbox}, kMessage);
      carry_out(message, {folders.both()},
                [&] { acknowledged = folders.delivery.files.calls.size(); });
      BOOST_REQUIRE(message.is_delivered());
      message.replies_written();
      message.replies_read();
      read = folders.delivery.files.calls.size();
    }
    auto calls = folders.delivery.files.calls;
    std::set<std::pair<Tree, bool>> seen;
    for (std::size_t done = 0; done <= calls.size(); ++done) {
      disk.each_outcome([&](const Tree& tree) {
        bool again = done < read;
        if (!seen.emplace(tree, again).second) return;
        Folders after;
        after.delivery.files.sync = sync;
        after.delivery.guard = true;
        for (const auto& [path, octets] : tree) {
          auto name = path;
          if (auto at = name.find(own); at != name.npos)
            name.replace(at, own.size(), "P" + dead + "Q");
          if (octets) {
            after.delivery.place.write(name, *octets);
          } else {
            after.delivery.place.make(name);
          }
        }
        if (again) {
          auto later = after.delivery.open().value();
          BOOST_REQUIRE(later->sweep().ok());
          auto message = complete_message(*later, {after.inbox}, kMessage);
          BOOST_TEST(carry_out(message, {after.both()}).front().ok());
          message.replies_written();
          message.replies_read();
        }
        bool promised = again || done >= acknowledged;
        auto first = after.names("/.A/new").size();
        auto second = after.names("/.B/cur").size();
        BOOST_TEST((!promised || (first == 1 && second == 1)),
                   "after call " << done << ": " << first << " and " << second);
      });
      if (done < calls.size()) disk.apply(calls[done]);
    }
    BOOST_TEST(seen.size() > 5u);
  }
}

BOOST_AUTO_TEST_CASE(flags_become_letters_and_keywords) {
  auto flags = spool::flags_of({"\\Seen", "\\flagged", "$Label1", "\\Recent", "a b", "$label1"});
  BOOST_TEST(flags.letters == "FS");
  BOOST_TEST(flags.keywords == std::vector<std::string>{"$Label1"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(keywords_are_added_to_dovecots_list) {
  TemporaryDirectory place;
  sys::Files files;
  auto folder = files.open_root(place.path()).value();
  place.write("dovecot-keywords", "0 old\n2 $Label1");
  auto flags = spool::flags_of({"new", "$label1", "\\Seen"});
  BOOST_TEST(spool::info_suffix(files, folder, flags) == ":2,Sbc");
  BOOST_TEST(place.read("dovecot-keywords") == "0 old\n2 $Label1\n1 new\n");
  // Another program is writing the list; the delivery does not wait for it.
  place.write("dovecot-keywords.lock", "");
  BOOST_TEST(spool::info_suffix(files, folder, spool::flags_of({"old", "more"})) == ":2,a");
}

// The texts of all recipients together could take too much memory.
BOOST_AUTO_TEST_CASE(the_text_of_an_edited_copy_is_not_kept_and_equal_ones_are_still_found_F29) {
  for (auto sync : kSyncs) {
    Folders folders;
    folders.delivery.files.sync = sync;
    auto spool = folders.delivery.open().value();
    auto message = complete_message(*spool, {folders.inbox}, kMessage);
    std::weak_ptr<const std::string> first;
    std::vector<Order> orders;
    for (const auto* content : {"x: y\n\nbody\n", "x: y\n\nbody\n", "x: z\n\nbody\n"}) {
      auto text = std::make_shared<const std::string>(content);
      if (orders.empty()) first = text;
      orders.push_back({"r" + std::to_string(orders.size()), {{folders.in("A"), {}, text}}});
    }
    std::size_t settled = 0;
    auto outcomes = carry_out(message, orders, [&] { ++settled; });
    BOOST_TEST(settled == 3u);
    for (const auto& outcome : outcomes) BOOST_TEST(outcome.ok());
    BOOST_TEST(folders.names("/.A/new").size() == 2u);
    orders.clear();
    BOOST_TEST(first.expired());
    message.replies_written();
    message.replies_read();
  }
}

BOOST_AUTO_TEST_SUITE_END()
