// The answers of the master to a status process.
#include "status/wire.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff::status;

BOOST_AUTO_TEST_SUITE(status_wire)

BOOST_AUTO_TEST_CASE(answers_arrive_however_they_are_split) {
  auto octets = pack({Ask::kReload, false, "no such user\n1"}) + pack({Ask::kDrain, true, ""});
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    AnswerReader reader;
    reader.add(octets.substr(0, cut));
    auto first = reader.next();
    reader.add(octets.substr(cut));
    if (!first) first = reader.next();
    BOOST_REQUIRE(first.has_value());
    BOOST_CHECK(first->to == Ask::kReload);
    BOOST_TEST(!first->ok);
    BOOST_TEST(first->text == "no such user\n1");
    auto second = reader.next();
    BOOST_REQUIRE(second.has_value());
    BOOST_CHECK(second->to == Ask::kDrain);
    BOOST_TEST(second->ok);
    BOOST_TEST(second->text.empty());
    BOOST_CHECK(!reader.next());
  }
}

BOOST_AUTO_TEST_CASE(the_process_of_http_listen_can_query_but_not_command) {
  for (auto command : {Ask::kReady, Ask::kReload, Ask::kUpgrade, Ask::kDrain}) {
    BOOST_TEST(kQuestions.find(static_cast<char>(command)) == kQuestions.npos);
    BOOST_TEST(kCommands.find(static_cast<char>(command)) != kCommands.npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
