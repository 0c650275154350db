#include "ctl/status_screen.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff::ctl;

namespace {

constexpr char kTable[] =
    "handoff 0.9.0 on mx: serving, pid 1\n"
    "spool      1.5 GiB free of 20 GiB, 12345 inodes free: /var/spool/handoff\n"
    "failed     3 s ago: 451 4.2.0 open: Not a directory: pat@example.org\n"
    "\n"
    "    PID STATE        FOR   SESS MESSAGES PEER             ID\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(ctl_status_screen)

BOOST_AUTO_TEST_CASE(a_wide_terminal_shows_the_table_unchanged) {
  BOOST_TEST(fit_table(kTable, 100, {}) == kTable);
}

BOOST_AUTO_TEST_CASE(long_lines_wrap_at_blanks_below_their_text) {
  BOOST_TEST(fit_table(kTable, 50, {}) ==
             "handoff 0.9.0 on mx: serving, pid 1\n"
             "spool      1.5 GiB free of 20 GiB, 12345 inodes\n"
             "           free: /var/spool/handoff\n"
             "failed     3 s ago: 451 4.2.0 open: Not a\n"
             "           directory: pat@example.org\n"
             "\n"
             "    PID STATE        FOR   SESS MESSAGES PEER    ~\n");
}

BOOST_AUTO_TEST_CASE(a_word_that_is_too_long_is_broken) {
  BOOST_TEST(fit_table("listens    " + std::string(40, 'x') + "\n", 30, {}) ==
             "listens    " + std::string(19, 'x') + "\n           " + std::string(19, 'x') +
                 "\n           xx\n");
}

BOOST_AUTO_TEST_CASE(a_screen_that_is_too_short_shows_how_many_lines_are_missing) {
  BOOST_TEST(fit_screen("1\n2\n3\n4\n5\n", 4) == "1\n2\n... 3 more lines\n");
  BOOST_TEST(fit_screen("1\n2\n3\n", 4) == "1\n2\n3\n");
}

BOOST_AUTO_TEST_SUITE_END()
