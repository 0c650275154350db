// The messages between a worker and its filter process.
#include "filter/wire.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::filter;

namespace {

Verdict sample_verdict() {
  Verdict verdict;
  sieve::Copy copy;
  copy.place = {"a.sieve", 3, "Lists"};
  copy.folder = "Lists";
  copy.flags = {"\\Seen", "x"};
  copy.create = true;
  copy.edited.header = std::make_shared<const std::string>("a: b\n\n");
  auto second = copy;
  second.folder = "More";
  sieve::Outgoing outgoing;
  outgoing.to = {"a@example.org"};
  outgoing.text = "text";
  outgoing.copy = copy;
  outgoing.mark = sieve::Mark{sieve::Mark::Kind::kVacation, std::string("\0x", 2), 60};
  sieve::Rejection rejection;
  rejection.reason = "no";
  sieve::Redirect redirect;
  redirect.to = "b@example.org";
  verdict.plan.actions = {copy, second, outgoing, rejection, redirect};
  verdict.plan.marks = {{sieve::Mark::Kind::kDuplicate, "id", 1}};
  verdict.faults = {{"s", 7, "wrong"}};
  verdict.log = {"line"};
  verdict.steps = 12;
  verdict.header_size = 6;
  return verdict;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filter_wire)

BOOST_AUTO_TEST_CASE(a_verdict_arrives_as_it_was_sent) {
  auto octets = pack(sample_verdict());
  BOOST_REQUIRE(octets.ok());
  auto said = unpack_from_filter(octets.value());
  BOOST_REQUIRE(said.verdict.has_value());
  BOOST_TEST(!said.question);
  const auto& actions = said.verdict->plan.actions;
  BOOST_REQUIRE(actions.size() == 5u);
  const auto& copy = std::get<sieve::Copy>(actions[0]);
  BOOST_TEST(copy.place.rule == "Lists");
  BOOST_TEST(copy.flags.size() == 2u);
  BOOST_TEST(*copy.edited.header == "a: b\n\n");
  BOOST_TEST(copy.edited.body == nullptr);
  // Texts are shared, so that equal copies stay equal.
  BOOST_TEST((std::get<sieve::Copy>(actions[1]).edited == copy.edited));
  const auto& outgoing = std::get<sieve::Outgoing>(actions[2]);
  BOOST_TEST(outgoing.mark->id.size() == 2u);
  BOOST_TEST((outgoing.copy->edited == copy.edited));
  BOOST_TEST(std::get<sieve::Redirect>(actions[4]).to == "b@example.org");
  BOOST_TEST(said.verdict->faults.front().line == 7u);
  BOOST_TEST(said.verdict->header_size == 6u);
}

BOOST_AUTO_TEST_CASE(a_job_and_an_answer_arrive_as_they_were_sent) {
  Job job;
  job.facts.to = "pat@example.org";
  job.facts.zone = std::chrono::minutes(-90);
  job.facts.now = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
  job.limits.redirects = 7;
  job.facts.spam.header = "X-Spam-Score";
  job.facts.spam.type = sieve::Facts::Scanner::Type::kScoreOrStars;
  job.facts.spam.most = 10;
  job.facts.virus.words = {"", "Clean"};
  job.scripts = {"one", "two"};
  auto back = unpack_job(pack(job).value());
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(back->facts.to == job.facts.to);
  BOOST_TEST(back->facts.zone.count() == -90);
  BOOST_TEST((back->facts.now == job.facts.now));
  BOOST_TEST(back->limits.redirects == 7u);
  BOOST_TEST(back->facts.spam.header == "X-Spam-Score");
  BOOST_TEST((back->facts.spam.type == sieve::Facts::Scanner::Type::kScoreOrStars));
  BOOST_TEST(back->facts.spam.most == 10);
  BOOST_TEST(back->facts.virus.words == job.facts.virus.words, boost::test_tools::per_element());
  BOOST_TEST(back->scripts.size() == 2u);
  Answer answer;
  answer.error = explained(EIO, std::string(10'000, 'x'));
  auto heard = unpack_answer(pack(answer));
  BOOST_REQUIRE(heard.has_value());
  BOOST_TEST(heard->error->code == EIO);
}

// The filter process may be controlled by an attacker.
BOOST_AUTO_TEST_CASE(malformed_octets_are_neither_a_question_nor_a_verdict) {
  auto octets = pack(sample_verdict()).value();
  for (std::size_t size = 0; size < octets.size(); ++size) {
    auto said = unpack_from_filter(octets.substr(0, size));
    BOOST_TEST((!said.verdict && !said.question), size);
  }
  BOOST_TEST(!unpack_from_filter(octets + "x").verdict);
  for (std::size_t at = 0; at < octets.size(); ++at) {
    for (int value : {0, 1, 127, 255}) {
      auto changed = octets;
      changed[at] = static_cast<char>(value);
      auto said = unpack_from_filter(changed);
      if (said.verdict) BOOST_TEST(said.verdict->plan.actions.size() <= 2000u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
