#include "worker/retries.hh"

#include <boost/test/unit_test.hpp>

using handoff::worker::Retries;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

const Retries::Time kStart = Retries::Time{} + 1h;

void is_due(Retries& retries, const Names& names, Retries::Time now, const Names& expected) {
  BOOST_TEST(retries.due(names, now) == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_retries)

BOOST_AUTO_TEST_CASE(a_failed_message_is_due_within_15_seconds_and_then_less_and_less_often) {
  Retries retries;
  is_due(retries, {"a", "b"}, kStart, {"a", "b"});
  BOOST_TEST((retries.failed("a", kStart) <= 15s));
  is_due(retries, {"a", "b"}, kStart, {"b"});
  is_due(retries, {"a", "b"}, kStart + 15s, {"b", "a"});
  auto now = kStart;
  auto last = 0s;
  for (int i = 0; i < 50; ++i) {
    auto wait = retries.failed("a", now);
    BOOST_TEST((wait >= last && wait <= Retries::kLongest));
    last = wait;
    now += wait;
  }
  BOOST_TEST((last == Retries::kLongest));
  BOOST_TEST(retries.tries("a") == 51u);
}

BOOST_AUTO_TEST_CASE(if_every_message_fails_the_program_is_left_alone_for_at_most_a_minute) {
  Retries retries;
  auto now = kStart;
  for (const auto* name : {"a", "b"}) retries.failed(name, now);
  BOOST_TEST(!retries.paused(now));
  retries.failed("c", now);
  BOOST_TEST(retries.paused(now));
  BOOST_TEST(!retries.paused(now + 15s));
  for (int i = 0; i < 20; ++i) {
    now += 60s;
    BOOST_TEST(!retries.paused(now));
    retries.failed("d", now);
    BOOST_TEST(retries.paused(now));
  }
}

BOOST_AUTO_TEST_CASE(when_the_program_works_again_every_message_is_due) {
  Retries retries;
  auto now = kStart;
  for (int i = 0; i < 10; ++i) {
    for (const auto* name : {"a", "b", "c"}) retries.failed(name, now);
    now += Retries::kLongest;
  }
  now -= Retries::kLongest - 1s;
  is_due(retries, {"a", "b", "c", "d"}, now, {"d"});
  retries.succeeded("d");
  BOOST_TEST(!retries.paused(now));
  is_due(retries, {"a", "b", "c"}, now, {"a", "b", "c"});
}

// One message that always fails does not make the others due again and again.
BOOST_AUTO_TEST_CASE(after_one_failure_others_keep_their_time) {
  Retries retries;
  retries.failed("a", kStart);
  retries.succeeded("b");
  is_due(retries, {"a"}, kStart + 1s, {});
}

BOOST_AUTO_TEST_CASE(a_message_that_has_left_the_queue_is_forgotten) {
  Retries retries;
  retries.failed("a", kStart);
  is_due(retries, {}, kStart, {});
  BOOST_TEST(retries.tries("a") == 0u);
}

// Refused messages say nothing about the state of the program.
BOOST_AUTO_TEST_CASE(messages_that_the_program_refuses_do_not_delay_others) {
  Retries retries;
  for (int i = 0; i < 10; ++i) {
    auto name = std::to_string(i);
    BOOST_TEST((retries.failed(name, kStart, Retries::Failure::kRefused) == Retries::kFirst));
    BOOST_TEST(!retries.paused(kStart));
  }
  is_due(retries, {"0", "new"}, kStart, {"new"});
  is_due(retries, {"0", "new"}, kStart + Retries::kFirst, {"new", "0"});
  for (const auto* name : {"a", "b", "c"}) retries.failed(name, kStart);
  BOOST_TEST(retries.paused(kStart));
}

BOOST_AUTO_TEST_SUITE_END()
