// Messages that scripts send, marks and records: when they are on disk, and when they are not.
#include "spool/outgoing.hh"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "planned.hh"

using namespace handoff;
using spool::Message;
using spool::Outgoing;
using sys::FileSync;

namespace {

constexpr FileSync kAll[] = {FileSync::kFile, FileSync::kNames, FileSync::kNamesInOrder};

std::size_t files_in(Delivery& delivery, const std::string& folder) {
  auto path = delivery.place.path(".handoff/" + folder);
  if (!std::filesystem::exists(path)) return 0;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (!entry.is_directory()) ++count;
  }
  return count;
}

// Returns an old mailbox, which shares the sync.
Mailbox old_mailbox(Delivery& delivery, const std::string& user) {
  delivery.files.hide_birth = true;
  return delivery.mailbox(user);
}

std::vector<Plan> two_plans(Delivery& delivery) {
  return {{old_mailbox(delivery, "pat"),
           true,
           {redirect_to("a@x"), vacation_to("b@x")},
           {mark_of("b@x")}},
          {old_mailbox(delivery, "kim"), false, {redirect_to("c@x")}}};
}

// Adds a message to send and calls `stop`, in the middle of its plan.
class StopsAfterQueueing final : public spool::Destination {
 public:
  StopsAfterQueueing(Mailbox mailbox, std::function<void()> stop)
      : mailbox_(std::move(mailbox)), stop_(std::move(stop)) {}
  Result<std::optional<spool::Delivered>> link(Message&, std::string_view) override {
    return std::optional<spool::Delivered>();
  }
  Result<spool::Delivered> deliver(Message& message, std::string_view) override {
    auto queued = message.queue(mailbox_.place(), redirect_to("a@x"));
    if (queued) stop_();
    return queued ? Result<spool::Delivered>(spool::Delivered{}) : queued.error();
  }

 private:
  Mailbox mailbox_;
  std::function<void()> stop_;
};

Message complete(spool::Spool& spool, const std::vector<Plan>& plans) {
  return complete_message(spool, mailboxes_of(plans), kMessage);
}

std::vector<std::string> ready(spool::Spool& spool) {
  auto queue = spool.outgoing().value();
  return queue == nullptr ? std::vector<std::string>() : queue->ready().value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_outgoing)

BOOST_AUTO_TEST_CASE(an_envelope_keeps_every_field) {
  auto outgoing = vacation_to("b@x");
  outgoing.recipients.emplace_back("with space\"@x");
  outgoing.record = "X,P=0";
  outgoing.head = "a: b\r\n";
  auto octets = pack(spool::Envelope{outgoing, std::chrono::sys_seconds(std::chrono::seconds(7))});
  auto read = spool::unpack_envelope(octets);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((read->message.kind == Outgoing::Kind::kVacation));
  BOOST_TEST(read->message.sender.empty());
  BOOST_TEST(read->message.recipients == outgoing.recipients, boost::test_tools::per_element());
  BOOST_TEST(read->message.head == outgoing.head);
  BOOST_TEST(read->message.record == outgoing.record);
  BOOST_TEST(*read->message.text == *outgoing.text);
  BOOST_TEST(read->created.time_since_epoch().count() == 7);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    BOOST_TEST(!spool::unpack_envelope(octets.substr(0, size)).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_plan_becomes_valid_with_the_outcome_of_its_recipient_L5) {
  for (auto sync : kAll) {
    Delivery delivery;
    delivery.files.sync = sync;
    auto plans = two_plans(delivery);
    auto spool = delivery.open().value();
    auto message = complete(*spool, plans);
    auto outcomes = carry_out_plans(message, plans, [&] { BOOST_TEST(!ready(*spool).empty()); });
    for (const auto& outcome : outcomes) BOOST_TEST(outcome.ok());
    BOOST_TEST(message.queued() == 3u);
    auto names = ready(*spool);
    BOOST_REQUIRE(names.size() == 3u);
    auto first = spool->outgoing().value()->read(names[0]).value().message;
    BOOST_TEST(first.recipients.front() == "a@x");
    BOOST_TEST(first.head == "X-Redirected: yes\r\n");
    BOOST_TEST(!first.text);
    BOOST_TEST(delivery.place.read(".handoff/outgoing/" + names[0]) == "a: b\n\nbody\n");
    BOOST_TEST(spool->seen(mark_of("b@x")).value());
    BOOST_TEST(!spool->seen(mark_of("c@x")).value());
    message.replies_written();
    message.replies_read();
  }
}

BOOST_AUTO_TEST_CASE(records_are_removed_when_the_replies_are_read_and_stay_otherwise_L12) {
  for (bool read : {true, false}) {
    Delivery delivery;
    delivery.files.sync = FileSync::kNamesInOrder;
    auto plans = two_plans(delivery);
    auto spool = delivery.open().value();
    {
      auto message = complete(*spool, plans);
      carry_out_plans(message, plans);
      BOOST_TEST(files_in(delivery, "done") == 2u);
      message.replies_written();
      if (read) {
        message.replies_read();
      } else {
        BOOST_REQUIRE(message.replies_unread().ok());
      }
    }
    BOOST_TEST(files_in(delivery, "done") == (read ? 0u : 2u));
    BOOST_TEST(files_in(delivery, "staging") == 0u);
    BOOST_TEST(ready(*spool).size() == 3u);
  }
}

// Without the record, a message whose envelope could not be named would count as not committed if
// the removal of the name in staging were lost in a power cut.
BOOST_AUTO_TEST_CASE(a_record_stays_if_its_messages_could_not_be_committed_L5) {
  for (auto sync : kAll) {
    Delivery delivery;
    delivery.files.sync = sync;
    std::vector<Plan> plans{{old_mailbox(delivery, "pat"), false, {redirect_to("a@x")}}};
    auto spool = delivery.open().value();
    auto message = std::make_optional(complete(*spool, plans));
    delivery.files.fault = [](const Call& call) {
      return call.target.ends_with(",ready") ? EIO : 0;
    };
    BOOST_TEST(carry_out_plans(*message, plans).front().ok());
    delivery.files.fault = {};
    message->replies_written();
    message->replies_read();
    message.reset();
    BOOST_TEST(files_in(delivery, "done") == 1u);
    BOOST_TEST(ready(*spool).empty());
  }
}

// One sync makes copies, envelopes, marks and records durable on filesystems that keep the order.
BOOST_AUTO_TEST_CASE(everything_shares_one_sync_if_names_keep_their_order) {
  Delivery delivery;
  delivery.files.sync = FileSync::kNamesInOrder;
  auto plans = two_plans(delivery);
  auto spool = delivery.open().value();
  for (bool again : {false, true}) {
    delivery.files.calls.clear();
    auto message = complete(*spool, plans);
    carry_out_plans(message, plans);
    message.replies_written();
    message.replies_read();
    if (!again) continue;  // the first one creates directories
    auto count = [&](Op op) { return std::ranges::count(delivery.files.calls, op, &Call::op); };
    BOOST_TEST(count(Op::kSyncFile) == 1);
    BOOST_TEST(count(Op::kSyncDirectory) == 0);
    BOOST_TEST(count(Op::kSyncData) == 0);
  }
}

// R5: whichever call fails, a refused recipient leaves nothing on disk, and an accepted one
// everything.
BOOST_AUTO_TEST_CASE(after_a_failure_of_any_call_a_plan_is_carried_out_wholly_or_not_at_all_R5) {
  for (auto sync : kAll) {
    std::size_t failing = 0;
    for (;; ++failing) {
      Delivery delivery;
      delivery.files.sync = sync;
      auto plans = two_plans(delivery);
      auto spool = delivery.open().value();
      delivery.files.calls.clear();
      delivery.files.fault = [&](const Call&) {
        return delivery.files.calls.size() == failing ? EIO : 0;
      };
      bool over = false;
      {
        auto begun = spool->begin(false);
        if (!begun) continue;
        auto& message = begun.value();
        bool complete = message.append(kMessage).ok() &&
                        message.complete({plans[0].mailbox.place(), plans[1].mailbox.place()}).ok();
        if (!complete) continue;
        auto outcomes = carry_out_plans(message, plans);
        const auto& calls = delivery.files.calls;
        over = failing >= calls.size();
        delivery.files.fault = {};
        // A message whose envelope could not be named is sent when its process has ended.
        bool late = !over && (calls[failing].op == Op::kRename || calls[failing].op == Op::kLink ||
                              calls[failing].op == Op::kSyncDirectory);
        BOOST_TEST_CONTEXT("call " << failing << (over ? "" : ": " + calls[failing].text())) {
          auto accepted = [&](std::size_t i) { return outcomes[i].ok() ? 1U : 0U; };
          auto expected = 2 * accepted(0) + accepted(1);
          BOOST_TEST(message.queued() == expected);
          BOOST_TEST((ready(*spool).size() == expected || late));
          BOOST_TEST(spool->seen(mark_of("b@x")).value() == outcomes[0].ok());
          // Without a shared sync, the destination itself removes its copy.
          if (sync != FileSync::kFile) BOOST_TEST(delivery.in_new("pat").size() == accepted(0));
          BOOST_TEST(files_in(delivery, "done") == accepted(0) + accepted(1));
        }
      }
      BOOST_TEST(delivery.staged().empty());
      if (over) break;
    }
    BOOST_TEST(failing > 20u);
  }
}

// L12: the retry repeats nothing, although its script has another plan.
BOOST_AUTO_TEST_CASE(a_retry_is_recognised_although_nothing_was_stored_L12) {
  for (auto sync : kAll) {
    Delivery delivery;
    delivery.files.sync = sync;
    delivery.guard = true;
    std::vector<Plan> plans{{old_mailbox(delivery, "kim"), false, {redirect_to("c@x")}}};
    std::vector<Plan> changed{{plans[0].mailbox, true, {redirect_to("d@x")}}};
    auto spool = delivery.open().value();
    {
      auto message = complete(*spool, plans);
      BOOST_TEST(carry_out_plans(message, plans).front().ok());
      message.replies_written();
      BOOST_REQUIRE(message.replies_unread().ok());
    }
    {
      auto message = complete(*spool, changed);
      auto outcome = carry_out_plans(message, changed).front();
      BOOST_REQUIRE(outcome.ok());
      BOOST_TEST(outcome.value().already);
      message.replies_written();
      message.replies_read();
    }
    BOOST_TEST(ready(*spool).size() == 1u);
    BOOST_TEST(delivery.in_new("kim").empty());
    // The reply to the earlier message was read, so the same octets are a new message.
    auto message = complete(*spool, changed);
    BOOST_TEST(!carry_out_plans(message, changed).front().value().already);
    BOOST_TEST(ready(*spool).size() == 2u);
    message.replies_written();
    message.replies_read();
  }
}

BOOST_AUTO_TEST_CASE(another_recipient_with_the_same_mailbox_has_a_record_of_its_own_L12) {
  Delivery delivery;
  delivery.files.sync = FileSync::kNamesInOrder;
  delivery.guard = true;
  std::vector<Plan> plans{{old_mailbox(delivery, "kim"), false, {redirect_to("c@x")}}};
  auto other = plans;
  other[0].mailbox.address = "info@example.org";
  auto spool = delivery.open().value();
  {
    auto message = complete(*spool, plans);
    carry_out_plans(message, plans);
    message.replies_written();
    BOOST_REQUIRE(message.replies_unread().ok());
  }
  auto message = complete(*spool, other);
  BOOST_TEST(!carry_out_plans(message, other).front().value().already);
  message.replies_written();
  message.replies_read();
}

// The process of this message ends after the sweep has dealt with the outgoing messages of
// processes that had already ended.
// Forks a process that has added a message to send, and waits before it commits it.
static pid_t fork_queueing(Delivery& delivery, const Mailbox& mailbox) {
  std::array<int, 2> ready_pipe;
  BOOST_REQUIRE(::pipe(ready_pipe.data()) == 0);
  pid_t child = ::fork();
  if (child == 0) {
    auto other = spool::Spool::open(delivery.posix, {delivery.place.path(), "host"}).value();
    auto message = complete_message(*other, {mailbox}, kMessage);
    StopsAfterQueueing destination(mailbox, [&] {
      [[maybe_unused]] auto n = ::write(ready_pipe[1], "x", 1);
      for (;;) ::pause();
    });
    message.deliver({{&destination, ""}}, {.may_wait = [] { return true; },
                                           .step_done = [](sys::Steady::duration) {},
                                           .settled = [](std::size_t, const auto&) {}});
    ::_exit(1);
  }
  ::close(ready_pipe[1]);
  char octet = 0;
  BOOST_REQUIRE(::read(ready_pipe[0], &octet, 1) == 1);
  ::close(ready_pipe[0]);
  return child;
}

BOOST_AUTO_TEST_CASE(a_sweep_never_makes_an_uncommitted_message_one_to_send_R5) {
  Delivery delivery;
  auto mailbox = old_mailbox(delivery, "pat");
  auto spool = delivery.open().value();
  auto child = fork_queueing(delivery, mailbox);
  BOOST_TEST(files_in(delivery, "outgoing") == 2u);
  bool decided = false;
  bool killed = false;
  delivery.files.fault = [&](const Call& call) {
    if (call.op == Op::kList && call.path == ".handoff/outgoing") decided = true;
    if (call.op == Op::kList && call.path == ".handoff/staging" && decided && !killed) {
      killed = true;
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    return 0;
  };
  for (int sweep = 0; sweep < 3; ++sweep) {
    BOOST_TEST(spool->sweep().ok());
    BOOST_TEST(killed);
    BOOST_TEST(ready(*spool).empty());
  }
  BOOST_TEST(files_in(delivery, "outgoing") == 0u);
  BOOST_TEST(delivery.staged().empty());
}

BOOST_AUTO_TEST_CASE(a_retry_is_recognised_although_the_sweep_could_not_decide_what_is_sent) {
  Delivery delivery;
  delivery.guard = true;
  auto mailbox = old_mailbox(delivery, "pat");
  auto child = fork_queueing(delivery, mailbox);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  auto spool = delivery.open().value();
  delivery.files.fault = [](const Call& call) {
    return call.op == Op::kList && call.path == ".handoff/outgoing" ? EIO : 0;
  };
  BOOST_TEST(!spool->sweep().ok());
  BOOST_TEST(files_in(delivery, "unread") == 1u);
  BOOST_TEST(delivery.staged().size() == 1u);
  delivery.files.fault = {};
  BOOST_TEST(spool->sweep().ok());
  BOOST_TEST(files_in(delivery, "unread") == 1u);
  BOOST_TEST(delivery.staged().empty());
}

BOOST_AUTO_TEST_CASE(the_sender_removes_gives_up_and_counts) {
  Delivery delivery;
  auto plans = two_plans(delivery);
  auto spool = delivery.open().value();
  BOOST_TEST(spool->outgoing().value() == nullptr);
  auto message = complete(*spool, plans);
  carry_out_plans(message, plans);
  auto& queue = *spool->outgoing().value();
  auto names = queue.ready().value();
  BOOST_TEST(queue.backlog().value().waiting == 3u);
  BOOST_TEST(queue.backlog().value().oldest.has_value());
  BOOST_TEST(queue.sent(names[0]).ok());
  BOOST_TEST(queue.give_up(names[1]).ok());
  BOOST_TEST(queue.backlog().value().waiting == 1u);
  BOOST_TEST(queue.backlog().value().failed == 1u);
  BOOST_TEST(queue.ready().value().size() == 1u);
  BOOST_TEST(queue.read(names[0]).error().code == ENOENT);
  message.replies_written();
  message.replies_read();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(spool_marks)

BOOST_AUTO_TEST_CASE(a_mark_counts_as_long_as_the_script_says_and_then_expires) {
  TemporaryDirectory place;
  sys::Files files;
  place.make("marks");
  spool::Marks marks(files, files.open_root(place.path("marks")).value(), false);
  auto mark = mark_of("sender@x");
  BOOST_TEST(!marks.seen(mark).value());
  BOOST_REQUIRE(marks.set(mark, spool::Durable::kByDirectory).ok());
  BOOST_TEST(marks.seen(mark).value());
  for (auto [user, kind, id] : {std::tuple{"kim", mark.kind, mark.id},
                                std::tuple{"pat", spool::UserMark::Kind::kDuplicate, mark.id},
                                std::tuple{"pat", mark.kind, std::string("other@x")}}) {
    BOOST_TEST(!marks.seen({user, kind, id, mark.seconds}).value());
  }
  auto age = [&](std::chrono::hours hours) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place.path("marks"))) {
      if (entry.is_directory()) continue;
      std::filesystem::last_write_time(entry,
                                       std::filesystem::file_time_type::clock::now() - hours);
    }
  };
  age(std::chrono::hours(23));
  BOOST_TEST(marks.seen(mark).value());
  BOOST_TEST(marks.expire().value() == 0u);
  auto shorter = mark;
  shorter.seconds = 3600;  // the script has changed
  BOOST_TEST(!marks.seen(shorter).value());
  age(std::chrono::hours(25));
  BOOST_TEST(!marks.seen(mark).value());
  // A mark that is set again has the new time.
  BOOST_REQUIRE(marks.set(mark, spool::Durable::kByOrder).ok());
  BOOST_TEST(marks.seen(mark).value());
  age(std::chrono::hours(24 * 3));
  BOOST_TEST(marks.expire().value() == 1u);
  auto long_one = mark;
  long_one.seconds = std::uint64_t{999'999} * 86'400;
  BOOST_REQUIRE(marks.set(long_one, spool::Durable::kByOrder).ok());
  BOOST_TEST(marks.seen(long_one).value());
  BOOST_TEST(marks.expire().value() == 0u);
  auto never = mark;
  never.seconds = 0;
  BOOST_REQUIRE(marks.set(never, spool::Durable::kByOrder).ok());
  BOOST_TEST(!marks.seen(never).value());
}

// The parts of a mark, written one after another, may be the octets of another mark.
BOOST_AUTO_TEST_CASE(marks_whose_parts_join_to_the_same_octets_are_different) {
  TemporaryDirectory place;
  sys::Files files;
  place.make("marks");
  spool::Marks marks(files, files.open_root(place.path("marks")).value(), false);
  auto one = mark_of("x");
  one.user = std::string("pat\0v", 5);
  auto other = mark_of(std::string("\0vx", 3));
  BOOST_REQUIRE(marks.set(one, spool::Durable::kByDirectory).ok());
  BOOST_TEST(marks.seen(one).value());
  BOOST_TEST(!marks.seen(other).value());
}

BOOST_AUTO_TEST_SUITE_END()
