// What a worker accepts from a filter process that an attacker has taken over.
#include "worker/plan_rules.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using worker::find_fault;

namespace {

sieve::Redirect redirect_of(const std::string& to) {
  sieve::Redirect out;
  out.to = to;
  out.head = "X-Sieve-Redirected-From: pat@example.org\r\n";
  return out;
}

sieve::Outgoing reply_of() {
  sieve::Outgoing out;
  out.to = {"sender@example.net"};
  out.text = "a: b\r\n\r\nback soon\r\n";
  out.mark = sieve::Mark{sieve::Mark::Kind::kVacation, "id", 86'400};
  return out;
}

sieve::Outgoing notification_of(std::size_t recipients) {
  sieve::Outgoing out;
  out.kind = sieve::Outgoing::Kind::kNotification;
  out.from = "pat@example.org";
  for (std::size_t i = 0; i < recipients; ++i)
    out.to.push_back("n" + std::to_string(i) + "@example.org");
  return out;
}

sieve::Plan plan_of(std::vector<sieve::Action> actions) {
  sieve::Plan plan;
  plan.actions = std::move(actions);
  plan.discarded = true;
  for (const auto& action : plan.actions) {
    if (std::holds_alternative<sieve::Copy>(action) ||
        std::holds_alternative<sieve::Rejection>(action))
      plan.discarded = false;
  }
  return plan;
}

// Returns "" if the plan is accepted, "script" if the script is to blame, "process" otherwise.
std::string blamed(const sieve::Plan& plan) {
  auto fault = find_fault(plan, sieve::Limits{});
  if (!fault) return "";
  return fault->place != nullptr ? "script" : "process";
}

std::string blamed(std::vector<sieve::Action> actions) {
  return blamed(plan_of(std::move(actions)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_plan_rules)

BOOST_AUTO_TEST_CASE(plans_that_the_engine_makes_are_accepted) {
  BOOST_TEST(blamed({sieve::Copy{}}) == "");
  BOOST_TEST(blamed({sieve::Copy{}, sieve::Copy{}, redirect_of("a@x.example"), reply_of(),
                     notification_of(8)}) == "");
  BOOST_TEST(blamed({redirect_of("a@x.example")}) == "");
  BOOST_TEST(blamed({sieve::Rejection{}, notification_of(1)}) == "");
  BOOST_TEST(blamed(std::vector<sieve::Action>{}) == "");
}

BOOST_AUTO_TEST_CASE(a_plan_that_stores_nothing_must_say_that_it_discards_F27) {
  BOOST_TEST(blamed(sieve::Plan{}) == "process");
  auto reply_alone = plan_of({reply_of()});
  reply_alone.discarded = false;
  BOOST_TEST(blamed(reply_alone) == "process");
  auto kept = plan_of({sieve::Copy{}});
  kept.discarded = true;
  BOOST_TEST(blamed(kept) == "process");
}

BOOST_AUTO_TEST_CASE(the_numbers_of_actions_are_limited_F27) {
  std::vector<sieve::Action> copies(33);
  BOOST_TEST(blamed(copies) == "");
  copies.emplace_back(sieve::Copy{});
  BOOST_TEST(blamed(copies) == "process");
  std::vector<sieve::Action> redirects(4, redirect_of("a@x.example"));
  BOOST_TEST(blamed(redirects) == "");
  redirects.emplace_back(redirect_of("b@x.example"));
  BOOST_TEST(blamed(redirects) == "process");
  BOOST_TEST(blamed({reply_of(), reply_of()}) == "process");
  std::vector<sieve::Action> notifications(9, notification_of(1));
  BOOST_TEST(blamed(notifications) == "process");
  auto marked = plan_of({sieve::Copy{}});
  marked.marks.resize(32);
  BOOST_TEST(blamed(marked) == "");
  marked.marks.resize(33);
  BOOST_TEST(blamed(marked) == "process");
}

// sendmail(1) treats an argument as a list of addresses.
BOOST_AUTO_TEST_CASE(a_redirect_goes_to_exactly_one_address_F27) {
  for (const auto* one : {"a@x.example", "\"a,b\"@x.example", "a+b@[192.0.2.1]"}) {
    BOOST_TEST(worker::is_one_address(one), one);
    BOOST_TEST(blamed({redirect_of(one)}) == "", one);
  }
  for (const auto* other :
       {"", "a", "-f@x.example", "a@x.example,b@x.example", "a@x.example b@x.example",
        "<a@x.example>", "a@x.example\n", "Pat <a@x.example>", "a:b@x.example;", "(c)a@x.example",
        "|/bin/sh@x.example,", "@x.example"}) {
    BOOST_TEST(!worker::is_one_address(other), other);
    BOOST_TEST(blamed({redirect_of(other)}) == "script", other);
  }
  BOOST_TEST(!worker::is_one_address(std::string(320, 'a') + "@x.example"));
  for (const auto* head : {"\r\n", "a: b\r\n\r\nc: d\r\n", "a: b", "a: b\rc: d\r\n"}) {
    auto redirect = redirect_of("a@x.example");
    redirect.head = head;
    BOOST_TEST(blamed({redirect}) == "process");
  }
}

BOOST_AUTO_TEST_CASE(a_reply_has_the_null_sender_one_recipient_and_a_mark_F27) {
  auto reply = reply_of();
  reply.from = "pat@example.org";
  BOOST_TEST(blamed({reply}) == "process");
  reply = reply_of();
  reply.to.emplace_back("other@example.net");
  BOOST_TEST(blamed({reply}) == "process");
  reply = reply_of();
  reply.mark.reset();
  BOOST_TEST(blamed({reply}) == "process");
  reply.mark = sieve::Mark{};  // of duplicate
  BOOST_TEST(blamed({reply}) == "process");
  reply = reply_of();
  reply.text.assign((std::size_t{1} << 20) + 1, 'x');
  BOOST_TEST(blamed({reply}) == "process");
  reply.withheld = "the sender is a mailing list";
  BOOST_TEST(blamed({reply}) == "");
}

BOOST_AUTO_TEST_CASE(a_notification_has_few_recipients_and_a_valid_sender_F27) {
  BOOST_TEST(blamed({notification_of(0)}) == "process");
  BOOST_TEST(blamed({notification_of(9)}) == "process");
  auto notification = notification_of(2);
  notification.from.clear();
  BOOST_TEST(blamed({notification}) == "");
  notification.from = "-oQ/tmp";
  BOOST_TEST(blamed({notification}) == "script");
  notification = notification_of(2);
  notification.to[1] = "a@x.example,b@x.example";
  BOOST_TEST(blamed({notification}) == "script");
}

BOOST_AUTO_TEST_CASE(a_rejected_message_is_not_delivered_too_F27) {
  BOOST_TEST(blamed({sieve::Rejection{}, sieve::Copy{}}) == "process");
  BOOST_TEST(blamed({sieve::Rejection{}, sieve::Rejection{}}) == "process");
  BOOST_TEST(blamed({redirect_of("a@x.example"), sieve::Rejection{}}) == "process");
}

BOOST_AUTO_TEST_SUITE_END()
