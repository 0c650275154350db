// The one place that makes a program of all the unit tests.
#define BOOST_TEST_MODULE handoff
#include <boost/test/unit_test.hpp>
