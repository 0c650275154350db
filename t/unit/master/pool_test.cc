// The policy of the pool: it grows quickly, shrinks slowly and limits forks.
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

BOOST_AUTO_TEST_CASE(an_empty_pool_starts_min_idle_workers) {
  Pool pool(settings(64, 4, 16));
  auto action = pool.decide({0, 0, 0}, kStart);
  BOOST_TEST(action.start == 4u);
  BOOST_TEST(action.retire == 0u);
}

BOOST_AUTO_TEST_CASE(with_enough_idle_workers_none_is_started_or_retired) {
  Pool pool(settings(64, 2, 16));
  for (PoolView view : {PoolView{0, 2, 0}, PoolView{0, 16, 3}, PoolView{2, 0, 5}}) {
    auto action = pool.decide(view, kStart);
    BOOST_TEST(action.start == 0u);
    BOOST_TEST(action.retire == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_burst_starts_workers_in_doubling_steps) {
  Pool pool(settings(1000, 1, 100));
  std::vector<unsigned> steps;
  PoolView view;
  for (int i = 0; i < 8; ++i) {
    auto action = pool.decide(view, kStart);
    steps.push_back(action.start);
    view.busy += action.start;  // all become busy at once
  }
  BOOST_TEST(steps == (std::vector<unsigned>{1, 2, 4, 8, 16, 32, 32, 32}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_a_burst_the_steps_start_again) {
  Pool pool(settings(1000, 1, 100));
  PoolView view;
  for (int i = 0; i < 5; ++i) view.busy += pool.decide(view, kStart).start;
  view.idle = 1;
  BOOST_TEST(pool.decide(view, kStart).start == 0u);
  view.idle = 0;
  BOOST_TEST(pool.decide(view, kStart).start == 1u);
}

BOOST_AUTO_TEST_CASE(there_are_never_more_workers_than_max) {
  Pool pool(settings(5, 2, 2));
  PoolView view{0, 0, 4};
  BOOST_TEST(pool.decide(view, kStart).start == 1u);
  BOOST_TEST(pool.decide({0, 0, 5}, kStart).start == 0u);
  BOOST_TEST(pool.decide({0, 0, 7}, kStart).start == 0u);  // after a reload that lowered it
}

BOOST_AUTO_TEST_CASE(workers_that_are_starting_count_as_idle) {
  Pool pool(settings(64, 4, 16));
  BOOST_TEST(pool.decide({4, 0, 10}, kStart).start == 0u);
  BOOST_TEST(pool.decide({3, 0, 10}, kStart).start == 1u);
}

BOOST_AUTO_TEST_CASE(without_load_one_worker_a_second_is_retired) {
  Pool pool(settings(64, 1, 4));
  PoolView view{0, 10, 0};
  BOOST_TEST(pool.decide(view, kStart).retire == 1u);
  BOOST_TEST(pool.decide(view, kStart + 999ms).retire == 0u);
  BOOST_TEST(pool.decide(view, kStart + 1s).retire == 1u);
  view.idle = 4;
  BOOST_TEST(pool.decide(view, kStart + 9s).retire == 0u);
}

BOOST_AUTO_TEST_CASE(crashes_delay_the_next_start_by_doubling_delays) {
  Pool pool(settings(64, 1, 4));
  Time now = kStart;
  std::vector<long> delays;
  for (int i = 0; i < 9; ++i) {
    BOOST_TEST(pool.decide({0, 0, 0}, now).start >= 1u);
    pool.died(now);
    Time from = now;
    while (pool.throttled(now)) now += 1s;
    BOOST_TEST(pool.decide({0, 0, 0}, now - 1s).start == 0u);
    delays.push_back(std::chrono::duration_cast<std::chrono::seconds>(now - from).count());
  }
  BOOST_TEST(delays == (std::vector<long>{1, 2, 4, 8, 16, 32, 60, 60, 60}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(workers_that_die_together_delay_the_next_start_once) {
  Pool pool(settings(64, 8, 16));
  BOOST_TEST(pool.decide({0, 0, 0}, kStart).start == 8u);
  for (int i = 0; i < 8; ++i) pool.died(kStart);
  BOOST_TEST(pool.throttled(kStart + 999ms));
  BOOST_TEST(!pool.throttled(kStart + 1s));
}

BOOST_AUTO_TEST_CASE(crashes_do_not_start_workers_in_doubling_steps) {
  Pool pool(settings(64, 1, 16));
  Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(pool.decide({0, 0, 0}, now).start == 1u);
    pool.died(now);
    while (pool.throttled(now)) now += 1s;
  }
}

BOOST_AUTO_TEST_CASE(a_worker_that_served_and_crashed_delays_the_next_start_too) {
  Pool pool(settings(64, 1, 4));
  BOOST_TEST(pool.decide({0, 4, 0}, kStart).start == 0u);
  pool.died(kStart);
  BOOST_TEST(pool.decide({0, 0, 0}, kStart + 999ms).start == 0u);
  BOOST_TEST(pool.decide({0, 0, 0}, kStart + 1s).start == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_becomes_ready_resets_the_delay) {
  Pool pool(settings(64, 1, 4));
  Time now = kStart;
  for (int i = 0; i < 5; ++i) {
    pool.died(now);
    while (pool.throttled(now)) now += 1s;
  }
  pool.became_ready();
  pool.died(now);
  BOOST_TEST(pool.throttled(now + 999ms));
  BOOST_TEST(!pool.throttled(now + 1s));
}

BOOST_AUTO_TEST_CASE(during_the_delay_no_worker_is_started_or_retired) {
  Pool pool(settings(64, 4, 8));
  pool.died(kStart);
  auto action = pool.decide({0, 1, 20}, kStart);
  BOOST_TEST(action.start == 0u);
  BOOST_TEST(action.retire == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_pool_is_reported_once_and_its_end_once) {
  Pool pool({4, 1, 4});
  BOOST_TEST(!pool.decide({0, 1, 3}, kStart).became_full);
  BOOST_TEST(!pool.decide({1, 0, 3}, kStart).became_full);
  BOOST_TEST(pool.decide({0, 0, 4}, kStart).became_full);
  BOOST_TEST(!pool.decide({0, 0, 4}, kStart).became_full);
  BOOST_TEST(pool.decide({0, 1, 3}, kStart).eased);
  BOOST_TEST(!pool.decide({0, 1, 3}, kStart).eased);
  BOOST_TEST(pool.decide({0, 0, 4}, kStart).became_full);
}

BOOST_AUTO_TEST_CASE(a_lowered_maximum_starts_nothing_and_does_not_underflow) {
  Pool pool({100, 2, 10});
  pool.change({5, 2, 5});
  BOOST_TEST(pool.decide({0, 0, 9}, kStart).start == 0U);
}

BOOST_AUTO_TEST_CASE(the_last_workers_are_reserved_for_one_listener_each_S15) {
  struct Row {
    unsigned max;
    std::size_t listeners;
    unsigned for_each;
  };
  for (const auto& row : std::vector<Row>{{64, 1, 0},  // there is no other listener
                                          {64, 2, 4},  // an eighth in all
                                          {16, 2, 1},
                                          {4, 2, 1},  // at least one
                                          {3, 2, 0},  // never more than half
                                          {64, 40, 0},
                                          {1000, 3, 41}}) {
    unsigned general = 0;
    std::vector<unsigned> reserved(row.listeners);
    for (unsigned i = 0; i < row.max; ++i) {
      auto only = reservation(row.max, general, reserved);
      if (!only) BOOST_TEST(general == i);  // those for all listeners come first
      ++(only ? reserved[*only] : general);
    }
    for (auto number : reserved) BOOST_TEST(number == row.for_each, row.max);
  }
}

BOOST_AUTO_TEST_CASE(a_general_worker_that_ended_is_replaced_by_a_general_one_S15) {
  BOOST_TEST(!reservation(16, 13, {1, 1}).has_value());
  BOOST_CHECK(reservation(16, 14, {1, 0}) == 1U);
  BOOST_CHECK(reservation(16, 14, {0, 1}) == 0U);
}

BOOST_AUTO_TEST_CASE(idle_workers_of_another_listener_do_not_count_as_idle_S15) {
  Pool pool(settings(16, 2, 2));
  BOOST_TEST(pool.decide({0, 0, 11, 1}, kStart).start == 2U);
  auto action = pool.decide({0, 0, 12, 4}, kStart);
  BOOST_TEST(action.start == 0U);
  BOOST_TEST(action.retire == 0U);  // they are reserved, and not too many
  BOOST_TEST(action.became_full);
}

BOOST_AUTO_TEST_CASE(starts_that_are_delayed_are_counted) {
  Pool pool({4, 1, 4});
  BOOST_TEST(pool.throttles() == 0U);
  pool.died(kStart);
  pool.died(kStart);  // together with the first
  pool.died(kStart + 1s);
  BOOST_TEST(pool.throttles() == 2U);
}

BOOST_AUTO_TEST_CASE(a_worker_that_waits_for_its_client_has_the_clients_time_limit) {
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
