// The order of a message's calls, and what remains of the message in each case.
#include "spool/message.hh"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <functional>

#include "delivery.hh"

using namespace handoff;
using spool::Message;

namespace {

bool aborts(const std::function<void()>& action) {
  pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    action();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_message)

BOOST_AUTO_TEST_CASE(a_call_out_of_order_aborts) {
  Delivery delivery;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  struct Step {
    const char* name;
    std::function<void(Message&)> call;
  };
  const Step steps[] = {
      {"append", [](Message& message) { (void)message.append("x").ok(); }},
      {"complete", [&](Message& message) { (void)message.complete({pat.place()}).ok(); }},
      {"client_half_closed", [](Message& message) { message.client_half_closed(); }},
      {"deliver", [&](Message& message) { (void)deliver_to(message, {pat}); }},
      {"replies_written", [](Message& message) { message.replies_written(); }},
      {"replies_read", [](Message& message) { message.replies_read(); }},
      {"replies_unread", [](Message& message) { (void)message.replies_unread().ok(); }},
  };
  // The calls that are allowed in each state, in the order of `steps`.
  struct State {
    const char* name;
    std::vector<std::string> allowed;
    std::vector<std::size_t> reached_by;
  };
  const State states[] = {
      {"receiving", {"append", "complete"}, {}},
      {"complete", {"client_half_closed", "deliver"}, {1}},
      {"delivered", {"replies_written"}, {1, 3}},
      {"replied", {"replies_read", "replies_unread"}, {1, 3, 4}},
      {"over", {}, {1, 3, 4, 5}},
  };
  for (const auto& state : states) {
    for (const auto& step : steps) {
      bool wrong = std::ranges::find(state.allowed, step.name) == state.allowed.end();
      bool aborted = aborts([&] {
        auto message = spool->begin(false).value();
        for (auto before : state.reached_by) steps[before].call(message);
        step.call(message);
      });
      BOOST_TEST(aborted == wrong, step.name << " of a message that is " << state.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_second_message_cannot_be_complete_before_the_first_is_over) {
  Delivery delivery;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  auto second = [&] { (void)complete_message(*spool, {pat}, kMessage); };
  {
    auto first = complete_message(*spool, {pat}, kMessage);
    BOOST_TEST(aborts(second));
    BOOST_TEST(deliver_to(first, {pat})[0].ok());
    first.replies_written();
    BOOST_TEST(aborts(second));
    first.replies_read();
    BOOST_TEST(!aborts(second));
  }
  { auto abandoned = complete_message(*spool, {pat}, kMessage); }
  BOOST_TEST(!aborts(second));
}

BOOST_AUTO_TEST_CASE(a_second_reservation_aborts_unless_the_first_was_released) {
  Delivery delivery;
  auto spool = delivery.open().value();
  auto room = spool->reserve(1).value();
  BOOST_TEST(aborts([&] { (void)spool->reserve(1); }));
  room.reset();
  BOOST_TEST(spool->reserve(1).value().has_value());
}

BOOST_AUTO_TEST_CASE(nothing_is_left_of_an_abandoned_message) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  { auto message = spool->begin(false).value(); }
  { auto message = complete_message(*spool, {pat}, kMessage); }
  delivery.files.fault = [](const Call& call) { return call.op == Op::kLink ? EIO : 0; };
  {
    auto message = complete_message(*spool, {pat}, kMessage);
    BOOST_TEST(!deliver_to(message, {pat})[0].ok());
  }
  BOOST_TEST(delivery.staged().empty());
  BOOST_TEST(delivery.in_new("pat").empty());
  BOOST_TEST(delivery.place.names(".handoff/unread").empty());
}

BOOST_AUTO_TEST_CASE(a_delivered_message_destroyed_before_its_replies_is_recorded_as_unread_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  {
    auto message = complete_message(*spool, {pat}, kMessage);
    BOOST_TEST(deliver_to(message, {pat})[0].ok());
  }
  BOOST_TEST(delivery.staged().empty());
  BOOST_TEST(delivery.place.names(".handoff/unread").size() == 1u);
}

// RFC 2033 5: settled recipients get their replies; the others are delivered when the client sends
// the message again.
BOOST_AUTO_TEST_CASE(nothing_more_is_delivered_after_the_client_has_gone) {
  for (auto sync : {sys::FileSync::kFile, sys::FileSync::kNames}) {
    Delivery delivery;
    delivery.files.sync = sync;
    delivery.files.hide_birth = true;
    std::vector<OwnMailbox> destinations{OwnMailbox(delivery.mailbox("pat")),
                                         OwnMailbox(Delivery::named("new", true))};
    auto spool = delivery.open().value();
    auto message = complete_message(*spool, {delivery.mailbox("pat")}, kMessage);
    bool listens = true;
    std::vector<std::size_t> settled;
    message.deliver({{&destinations[0], ""}, {&destinations[1], ""}},
                    {.may_wait = [&] { return listens; },
                     .step_done = [](sys::Steady::duration) {},
                     .settled =
                         [&](std::size_t index, const Message::Outcome&) {
                           settled.push_back(index);
                           listens = false;
                         }});
    BOOST_TEST(settled == std::vector<std::size_t>{0}, boost::test_tools::per_element());
    BOOST_TEST(message.is_delivered());
    BOOST_TEST(!delivery.place.has("example.org/new"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
