// Messages keep their boundaries and can carry descriptors.
#include "sys/message_socket.hh"

#include <boost/test/unit_test.hpp>

#include "sys/fd.hh"

using namespace handoff::sys;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(sys_message_socket)

BOOST_AUTO_TEST_CASE(messages_keep_their_boundaries_and_can_carry_a_descriptor) {
  auto [one, other] = message_pair().value();
  auto pipe = open_pipe().value();
  auto until = Steady::now() + 30s;
  BOOST_TEST(send_message(one, "first", &pipe.write, until).ok());
  BOOST_TEST(send_message(one, "second", nullptr, until).ok());
  auto first = receive_message(other, until);
  BOOST_TEST(first.value()->octets == "first");
  BOOST_REQUIRE(first.value()->descriptor);
  put(first.value()->descriptor, "through");
  BOOST_TEST(take(pipe.read, 100).value() == "through");
  auto second = receive_message(other, until);
  BOOST_TEST(second.value()->octets == "second");
  BOOST_TEST(!second.value()->descriptor);
  BOOST_TEST(second.value()->whole);
}

BOOST_AUTO_TEST_CASE(the_end_a_timeout_and_overlong_input_are_distinguished) {
  auto [one, other] = message_pair().value();
  auto until = Steady::now() + 30s;
  BOOST_TEST(receive_message(other, Steady::now() + 10ms).error().code == ETIMEDOUT);
  BOOST_TEST(send_message(one, std::string(kMaxMessage, 'x'), nullptr, until).ok());
  BOOST_TEST(send_message(one, std::string(kMaxMessage + 1, 'x'), nullptr, until).error().code ==
             EMSGSIZE);
  BOOST_TEST(receive_message(other, until).value()->octets.size() == kMaxMessage);
  one.reset();
  BOOST_TEST(!receive_message(other, until).value().has_value());
  BOOST_TEST(send_message(other, "x", nullptr, until).error().code == EPIPE);
}

BOOST_AUTO_TEST_SUITE_END()
