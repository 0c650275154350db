// The policy of the pool: quick to grow, slow to shrink, and no storm of forks.
#include "master/pool.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff::master;
using namespace std::chrono_literals;

namespace {

const Time kStart = Time(1000s);

PoolSettings settings(unsigned max, unsigned min_idle, unsigned max_idle) {
  return {max, min_idle, max_idle};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(master_pool)

BOOST_AUTO_TEST_CASE(an_empty_pool_starts_as_many_as_are_to_be_idle) {
  Pool pool(settings(64, 4, 16));
  auto action = pool.decide({0, 0, 0}, kStart);
  BOOST_TEST(action.start == 4u);
  BOOST_TEST(action.retire == 0u);
}

BOOST_AUTO_TEST_CASE(enough_idle_workers_are_left_alone) {
  Pool pool(settings(64, 2, 16));
  for (PoolView view : {PoolView{0, 2, 0}, PoolView{0, 16, 3}, PoolView{2, 0, 5}}) {
    auto action = pool.decide(view, kStart);
    BOOST_TEST(action.start == 0u);
    BOOST_TEST(action.retire == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_burst_is_met_in_doubling_steps) {
  Pool pool(settings(1000, 1, 100));
  std::vector<unsigned> steps;
  PoolView view;
  for (int i = 0; i < 8; ++i) {
    auto action = pool.decide(view, kStart);
    steps.push_back(action.start);
    view.busy += action.start;  // all are taken at once
  }
  BOOST_TEST(steps == (std::vector<unsigned>{1, 2, 4, 8, 16, 32, 32, 32}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_a_burst_the_steps_begin_anew) {
  Pool pool(settings(1000, 1, 100));
  PoolView view;
  for (int i = 0; i < 5; ++i) view.busy += pool.decide(view, kStart).start;
  view.idle = 1;
  BOOST_TEST(pool.decide(view, kStart).start == 0u);
  view.idle = 0;
  BOOST_TEST(pool.decide(view, kStart).start == 1u);
}

BOOST_AUTO_TEST_CASE(there_are_never_more_than_max) {
  Pool pool(settings(5, 2, 2));
  PoolView view{0, 0, 4};
  BOOST_TEST(pool.decide(view, kStart).start == 1u);
  BOOST_TEST(pool.decide({0, 0, 5}, kStart).start == 0u);
  BOOST_TEST(pool.decide({0, 0, 7}, kStart).start == 0u);  // after a reload that lowered it
}

BOOST_AUTO_TEST_CASE(workers_that_are_starting_count_as_idle_soon) {
  Pool pool(settings(64, 4, 16));
  BOOST_TEST(pool.decide({4, 0, 10}, kStart).start == 0u);
  BOOST_TEST(pool.decide({3, 0, 10}, kStart).start == 1u);
}

BOOST_AUTO_TEST_CASE(a_calm_retires_one_worker_a_second) {
  Pool pool(settings(64, 1, 4));
  PoolView view{0, 10, 0};
  BOOST_TEST(pool.decide(view, kStart).retire == 1u);
  BOOST_TEST(pool.decide(view, kStart + 999ms).retire == 0u);
  BOOST_TEST(pool.decide(view, kStart + 1s).retire == 1u);
  view.idle = 4;
  BOOST_TEST(pool.decide(view, kStart + 9s).retire == 0u);
}

BOOST_AUTO_TEST_CASE(early_deaths_throttle_the_next_start_by_doubling_delays) {
  Pool pool(settings(64, 1, 4));
  Time now = kStart;
  std::vector<long> delays;
  for (int i = 0; i < 9; ++i) {
    BOOST_TEST(pool.decide({0, 0, 0}, now).start >= 1u);
    pool.died(true, now);
    Time from = now;
    while (pool.throttled(now)) now += 1s;
    BOOST_TEST(pool.decide({0, 0, 0}, now - 1s).start == 0u);
    delays.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - from).count());
  }
  BOOST_TEST(delays == (std::vector<long>{1, 2, 4, 8, 16, 32, 60, 60, 60}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(workers_that_die_together_throttle_once) {
  Pool pool(settings(64, 8, 16));
  BOOST_TEST(pool.decide({0, 0, 0}, kStart).start == 8u);
  for (int i = 0; i < 8; ++i) pool.died(true, kStart);
  BOOST_TEST(pool.throttled(kStart + 999ms));
  BOOST_TEST(!pool.throttled(kStart + 1s));
}

BOOST_AUTO_TEST_CASE(early_deaths_are_no_burst_to_be_met_in_steps) {
  Pool pool(settings(64, 1, 16));
  Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(pool.decide({0, 0, 0}, now).start == 1u);
    pool.died(true, now);
    while (pool.throttled(now)) now += 1s;
  }
}

BOOST_AUTO_TEST_CASE(a_worker_that_served_and_died_throttles_nobody) {
  Pool pool(settings(64, 1, 4));
  pool.died(false, kStart);
  BOOST_TEST(!pool.throttled(kStart));
  BOOST_TEST(pool.decide({0, 0, 0}, kStart).start == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_seen_to_work_ends_the_doubling) {
  Pool pool(settings(64, 1, 4));
  Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    pool.died(true, now);
    while (pool.throttled(now)) now += 1s;
  }
  pool.became_ready();
  pool.died(true, now);
  BOOST_TEST(pool.throttled(now + 999ms));
  BOOST_TEST(!pool.throttled(now + 1s));
}

BOOST_AUTO_TEST_CASE(while_throttled_nobody_is_started_and_nobody_retired) {
  Pool pool(settings(64, 4, 8));
  pool.died(true, kStart);
  auto action = pool.decide({0, 1, 20}, kStart);
  BOOST_TEST(action.start == 0u);
  BOOST_TEST(action.retire == 0u);
}

BOOST_AUTO_TEST_CASE(it_says_once_that_it_is_full_and_once_that_it_is_no_longer) {
  Pool pool({4, 1, 4});
  BOOST_TEST(!pool.decide({0, 1, 3}, kStart).became_full);
  BOOST_TEST(!pool.decide({1, 0, 3}, kStart).became_full);
  BOOST_TEST(pool.decide({0, 0, 4}, kStart).became_full);
  BOOST_TEST(!pool.decide({0, 0, 4}, kStart).became_full);
  BOOST_TEST(pool.decide({0, 1, 3}, kStart).eased);
  BOOST_TEST(!pool.decide({0, 1, 3}, kStart).eased);
  BOOST_TEST(pool.decide({0, 0, 4}, kStart).became_full);
}

BOOST_AUTO_TEST_CASE(a_max_that_a_reload_lowered_starts_nothing_and_wraps_nowhere) {
  Pool pool({100, 2, 10});
  pool.change({5, 2, 5});
  BOOST_TEST(pool.decide({0, 0, 9}, kStart).start == 0U);
}

BOOST_AUTO_TEST_CASE(starts_that_are_put_off_are_counted) {
  Pool pool({4, 1, 4});
  BOOST_TEST(pool.throttles() == 0U);
  pool.died(false, kStart);
  BOOST_TEST(pool.throttles() == 0U);
  pool.died(true, kStart);
  pool.died(true, kStart);  // with the first
  pool.died(true, kStart + 1s);
  BOOST_TEST(pool.throttles() == 2U);
}

BOOST_AUTO_TEST_CASE(a_worker_that_waits_for_its_client_is_given_the_clients_time) {
  using handoff::board::State;
  handoff::conf::Config config;
  config.workers.progress_timeout = 10s;
  config.session.command_timeout = 300s;
  config.session.data_timeout = 60s;
  BOOST_CHECK(!patience(State::kIdle, config));
  BOOST_CHECK(patience(State::kCommand, config) == 310s);
  BOOST_CHECK(patience(State::kReply, config) == 310s);
  BOOST_CHECK(patience(State::kData, config) == 70s);
  for (auto state :
       {State::kStarting, State::kLookup, State::kStaging, State::kSync, State::kCommit}) {
    BOOST_CHECK(patience(state, config) == 10s);
  }
}

BOOST_AUTO_TEST_SUITE_END()
