#include "ctl/outcome.hh"

#include <sysexits.h>

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace handoff;
using ctl::Outcome;

namespace {

Outcome outcome(int code, std::string status) {
  Outcome out{"pat@example.org", {}};
  out.reply.code = code;
  out.reply.status = std::move(status);
  return out;
}

int code_of(std::vector<Outcome> outcomes) { return ctl::exit_code(outcomes); }

const Outcome kTaken = outcome(250, "2.0.0");
const Outcome kUnknown = outcome(550, "5.1.1");

}  // namespace

BOOST_AUTO_TEST_SUITE(ctl_outcome)

BOOST_AUTO_TEST_CASE(if_all_recipients_are_accepted_the_exit_code_is_ok) {
  BOOST_TEST(code_of({kTaken, kTaken}) == EX_OK);
}

BOOST_AUTO_TEST_CASE(any_temporary_failure_makes_the_exit_code_tempfail) {
  BOOST_TEST(code_of({kTaken, outcome(452, "4.2.2"), kUnknown}) == EX_TEMPFAIL);
  BOOST_TEST(code_of({kUnknown, outcome(0, "")}) == EX_TEMPFAIL);
}

BOOST_AUTO_TEST_CASE(refusals_of_one_kind_have_the_exit_code_for_that_kind) {
  BOOST_TEST(code_of({kTaken, kUnknown, outcome(501, "5.1.3")}) == EX_NOUSER);
  BOOST_TEST(code_of({outcome(552, "5.2.2")}) == EX_CANTCREAT);
  BOOST_TEST(code_of({outcome(552, "5.3.4")}) == EX_DATAERR);
  BOOST_TEST(code_of({outcome(554, "5.3.0")}) == EX_UNAVAILABLE);
  BOOST_TEST(code_of({outcome(554, "5.4.6")}) == EX_UNAVAILABLE);
  BOOST_TEST(code_of({outcome(503, "5.5.1")}) == EX_PROTOCOL);
  BOOST_TEST(code_of({outcome(550, "5.6.11")}) == EX_DATAERR);
  BOOST_TEST(code_of({outcome(554, "5.7.1")}) == EX_NOPERM);
  BOOST_TEST(code_of({outcome(550, "")}) == EX_UNAVAILABLE);
}

BOOST_AUTO_TEST_CASE(refusals_of_several_kinds_have_the_exit_code_unavailable) {
  BOOST_TEST(code_of({kUnknown, outcome(554, "5.7.1"), kUnknown}) == EX_UNAVAILABLE);
}

BOOST_AUTO_TEST_CASE(a_line_shows_recipient_and_verdict_and_no_control_characters) {
  auto out = outcome(250, "2.0.0");
  out.reply.text = "deli\x1bvered";
  BOOST_TEST(ctl::line_of(out) == "<pat@example.org> 250 2.0.0 deli\\x1bvered");
  out.reply = {};
  out.reply.text = "read the reply: Connection reset by peer";
  BOOST_TEST(ctl::line_of(out) == "<pat@example.org> read the reply: Connection reset by peer");
}

BOOST_AUTO_TEST_SUITE_END()
