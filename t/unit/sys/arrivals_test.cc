// Waiting for connections: a stop comes through whatever else is there.
#include "sys/arrivals.hh"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>

#include "base/endpoint.hh"
#include "in_child.hh"
#include "sys/pipe.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "temporary_directory.hh"

using namespace handoff;

namespace {

// What ten looks said, in a worker that was told to go before the first; `before`: what happened to
// its listener meanwhile.
template <class Before>
std::string seen(Before before) {
  TemporaryDirectory place;
  return in_child([&] {
    auto endpoint = parse_endpoint("unix:" + place.path("socket")).value();
    auto listeners = sys::listen_on(endpoint, 5, {}).value();
    auto life = sys::open_pipe().value();
    sys::catch_stop_signal();
    auto arrivals = sys::Arrivals::watch({&listeners.front()}, life.read).value();
    [[maybe_unused]] auto client = before(endpoint, listeners.front());
    std::raise(sys::kRetire);
    std::string out;
    for (int i = 0; i < 10 && out.find("stop") == out.npos; ++i) {
      auto what = arrivals.wait().what;
      out += what == sys::Arrivals::What::kStop ? "stop" : "connection ";
    }
    return out;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_arrivals)

BOOST_AUTO_TEST_CASE(a_stop_comes_through_where_nobody_comes) {
  BOOST_TEST(seen([](const Endpoint&, const sys::Fd&) { return 0; }) == "stop");
}

BOOST_AUTO_TEST_CASE(a_stop_does_not_wait_for_connections_that_are_there) {
  BOOST_TEST(seen([](const Endpoint& endpoint, const sys::Fd&) {
               auto until = sys::Steady::now() + std::chrono::seconds(10);
               return sys::connect_to(endpoint, until).value();
             }) == "stop");
}

// The master silences a listener that a reload took away: then each look says that somebody comes.
BOOST_AUTO_TEST_CASE(a_stop_comes_through_where_a_listener_was_silenced) {
  BOOST_TEST(seen([](const Endpoint&, const sys::Fd& listener) {
               sys::stop_listening(listener);
               return 0;
             }) == "stop");
}

BOOST_AUTO_TEST_SUITE_END()
