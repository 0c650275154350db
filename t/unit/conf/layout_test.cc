#include "conf/layout.hh"

#include <boost/test/unit_test.hpp>

using handoff::conf::layout_fault;

BOOST_AUTO_TEST_SUITE(conf_layout)

BOOST_AUTO_TEST_CASE(a_layout_is_text_and_variables_below_the_spool) {
  for (auto layout : {"%d/%n", "%n", "%u", "%d/%2n/%n", "mail/%2d/%d/%n/box", "%d/%n-%1n"}) {
    BOOST_TEST(layout_fault(layout) == "", layout);
  }
}

BOOST_AUTO_TEST_CASE(a_home_is_allowed_only_at_the_beginning) {
  for (auto layout : {"%h", "%h/Maildir", "%h/mail/%d/%n"}) {
    BOOST_TEST(layout_fault(layout) == "", layout);
  }
  for (auto layout : {"%d/%h", "x%h", "%hx", "%n/%h/x", "%h%n"}) {
    BOOST_TEST(layout_fault(layout) ==
                   "must have %h at its beginning and nowhere else, such as %h/Maildir",
               layout);
  }
}

BOOST_AUTO_TEST_CASE(a_layout_in_which_recipients_share_a_mailbox_is_refused) {
  for (auto layout : {"%d", "all", "%2n", "%d/%2u"}) {
    BOOST_TEST(layout_fault(layout) ==
               "must contain %n or %u, or recipients would share a mailbox");
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_variable_is_named_with_the_known_ones) {
  BOOST_TEST(layout_fault("%x/%n").find("%x; known are %u, %n, %d, %h") != std::string::npos);
  BOOST_TEST(layout_fault("%n/%%").find("unknown variable %%") != std::string::npos);
  BOOST_TEST(layout_fault("%n/%").find("unknown variable %;") != std::string::npos);
  BOOST_TEST(layout_fault("%n/%2").find("unknown variable %2;") != std::string::npos);
  BOOST_TEST(layout_fault("%n/%2h").find("unknown variable %2h;") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_variable_takes_1_to_64_characters) {
  BOOST_TEST(layout_fault("%0n/%n") == "%0n must take 1 to 64 characters");
  BOOST_TEST(layout_fault("%65n/%n") == "%65n must take 1 to 64 characters");
  BOOST_TEST(layout_fault("%99999999999999999999n/%n") ==
             "%99999999999999999999n must take 1 to 64 characters");
}

// R2: neither a name nor the layout can lead out of the spool.
BOOST_AUTO_TEST_CASE(a_layout_that_leaves_the_spool_or_hides_in_it_is_refused_R2) {
  for (auto layout : {"", "/%n", "%d//%n", "%n/", "../%n", "%d/../%n", "./%n", ".handoff/%n",
                      "%d/.%n", "%n/\n"}) {
    BOOST_TEST(layout_fault(layout) != "", layout);
  }
}

BOOST_AUTO_TEST_SUITE_END()
