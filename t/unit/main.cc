// The main file of the program that contains all unit tests.
#define BOOST_TEST_MODULE handoff
#include <boost/test/unit_test.hpp>
