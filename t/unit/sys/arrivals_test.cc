// Waiting for connections: a stop is noticed in every situation.
#include "sys/arrivals.hh"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>

#include "base/endpoint.hh"
#include "in_child.hh"
#include "sys/fd.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "temporary_directory.hh"

using namespace handoff;

namespace {

// Returns the results of ten waits in a worker that received a stop signal before the first wait.
// `before`: an action on its listener.
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

BOOST_AUTO_TEST_CASE(a_stop_is_noticed_without_connections) {
  BOOST_TEST(seen([](const Endpoint&, const sys::Fd&) { return 0; }) == "stop");
}

BOOST_AUTO_TEST_CASE(a_stop_is_reported_before_waiting_connections) {
  BOOST_TEST(seen([](const Endpoint& endpoint, const sys::Fd&) {
               auto until = sys::Steady::now() + std::chrono::seconds(10);
               return sys::connect_to(endpoint, until).value();
             }) == "stop");
}

// The master shuts down a listener that a reload removed: then each wait reports a connection.
BOOST_AUTO_TEST_CASE(a_stop_is_noticed_after_a_listener_was_shut_down) {
  BOOST_TEST(seen([](const Endpoint&, const sys::Fd& listener) {
               sys::stop_listening(listener);
               return 0;
             }) == "stop");
}

BOOST_AUTO_TEST_SUITE_END()
