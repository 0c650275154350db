// How much one kind of event may write to the log.
#include "sys/log_limit.hh"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using handoff::sys::LogLimit;
using handoff::sys::Steady;

namespace {

constexpr Steady::time_point kStart{1000s};

unsigned allowed(LogLimit& limit, std::string_view message, unsigned tries,
                 Steady::time_point now) {
  unsigned out = 0;
  for (unsigned i = 0; i < tries; ++i) out += limit.allows(message, now) ? 1U : 0U;
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_log_limit)

BOOST_AUTO_TEST_CASE(each_message_has_a_limit_of_lines_per_second) {
  LogLimit limit;
  BOOST_TEST(allowed(limit, "timeout", 1000, kStart) == LogLimit::kLinesPerSecond);
  BOOST_TEST(allowed(limit, "TLS failed", 1000, kStart) == LogLimit::kLinesPerSecond);
}

BOOST_AUTO_TEST_CASE(suppressed_lines_are_reported_once_when_the_second_is_over) {
  LogLimit limit;
  allowed(limit, "timeout", LogLimit::kLinesPerSecond + 7, kStart);
  BOOST_TEST(limit.suppressed(kStart + 999ms).empty());
  auto left_out = limit.suppressed(kStart + 1s);
  BOOST_REQUIRE(left_out.size() == 1U);
  BOOST_TEST(left_out[0].message == "timeout");
  BOOST_TEST(left_out[0].lines == 7U);
  BOOST_TEST(limit.suppressed(kStart + 2s).empty());
  BOOST_TEST(limit.allows("timeout", kStart + 1s));
}

BOOST_AUTO_TEST_CASE(a_slow_stream_of_lines_is_never_suppressed) {
  LogLimit limit;
  for (auto now = kStart; now < kStart + 100s; now += 20ms)
    BOOST_TEST(limit.allows("timeout", now));
  BOOST_TEST(limit.suppressed(kStart + 200s).empty());
}

BOOST_AUTO_TEST_CASE(deliveries_have_no_limit_and_other_outcomes_a_higher_one) {
  LogLimit limit;
  BOOST_TEST(allowed(limit, "delivered", 10'000, kStart) == 10'000U);
  for (const auto* message : {"deferred", "refused", "discarded", "outgoing message sent"}) {
    BOOST_TEST(allowed(limit, message, 10'000, kStart) == LogLimit::kRefusalsPerSecond);
  }
}

BOOST_AUTO_TEST_SUITE_END()
