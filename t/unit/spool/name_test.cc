// Names on disk: unique, and valid for every reader of Maildirs (R6).
#include "spool/name.hh"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <regex>
#include <set>

#include "in_child.hh"

using namespace handoff::spool;

BOOST_AUTO_TEST_SUITE(spool_name)

BOOST_AUTO_TEST_CASE(a_name_consists_of_time_process_count_and_host_R6) {
  NameMaker names("mx.example.org");
  auto name = names.next();
  std::regex shape(R"(\d{10,}\.M\d{1,6}P\d+Q\d+R[0-9a-f]{8}\.mx\.example\.org)");
  BOOST_TEST(std::regex_match(name, shape), name);
  BOOST_TEST(name.find("P" + std::to_string(::getpid()) + "Q") != name.npos);
}

BOOST_AUTO_TEST_CASE(no_name_is_used_twice_within_a_process_R6) {
  NameMaker names("host");
  std::set<std::string> seen;
  for (int i = 0; i < 100000; ++i) seen.insert(names.next());
  BOOST_TEST(seen.size() == 100000u);
}

BOOST_AUTO_TEST_CASE(two_name_makers_in_one_process_never_make_the_same_name_R6) {
  NameMaker one("host");
  NameMaker two("host");
  auto random_of = [](const std::string& name) { return name.substr(name.find('R'), 9); };
  BOOST_TEST(random_of(one.next()) != random_of(two.next()));
}

BOOST_AUTO_TEST_CASE(a_process_that_reuses_a_process_id_is_distinguished_R6) {
  // Each process chooses its random part after the fork.
  auto random_of_child = [] {
    return in_child([] {
      auto name = NameMaker("host").next();
      return name.substr(name.find('R'), 9);
    });
  };
  BOOST_TEST(random_of_child() != random_of_child());
}

BOOST_AUTO_TEST_CASE(characters_that_a_file_name_cannot_contain_are_escaped_as_in_maildir_5_R6) {
  NameMaker names("a/b:c,d");
  BOOST_TEST(names.host() == R"(a\057b\072c\054d)");
  BOOST_TEST(names.next().find_first_of("/:,") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_size_follows_a_comma_as_dovecot_and_courier_expect_R6) {
  BOOST_TEST(with_size("1.M2P3Q4R5.host", 1234) == "1.M2P3Q4R5.host,S=1234");
  BOOST_TEST(with_size("1.M2P3Q4R5.host", 0) == "1.M2P3Q4R5.host,S=0");
}

BOOST_AUTO_TEST_CASE(the_id_is_the_name_without_the_host) {
  BOOST_TEST(id_of("1764000000.M1P2Q3R4.mx.example.org") == "1764000000.M1P2Q3R4");
  BOOST_TEST(id_of("1764000000.M1P2Q3R4") == "1764000000.M1P2Q3R4");
  BOOST_TEST(id_of("plain") == "plain");
  BOOST_TEST(id_of("") == "");
}

BOOST_AUTO_TEST_CASE(the_owner_of_a_name_is_read_back) {
  NameMaker names("mx.example.org");
  for (const auto& name : {names.next(), with_size(names.next(), 5)}) {
    auto owner = owner_of(name);
    BOOST_REQUIRE(owner.has_value());
    BOOST_TEST(owner->pid == ::getpid());
    BOOST_TEST(owner->host == "mx.example.org");
  }
  NameMaker odd("a/b:c,d");
  BOOST_TEST(owner_of(odd.next())->host == odd.host());
}

BOOST_AUTO_TEST_CASE(names_of_other_makers_have_no_owner) {
  for (const char* name :
       {"", ".", "x", "1764000000.4711_1.host", "1.M2P3.host", "1.M2Q3P4.host", "1.M2PQ3.host",
        "1.M2P-1Q3.host", "1.M2P3Q4R5", "1.M2PxQ3.host", "1.M2P99999999999999999999Q3.host"}) {
    BOOST_TEST(!owner_of(name).has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(an_invalid_process_id_has_no_owner) {
  // kill(0) and kill(-1) address groups and all processes; 4294967296 would be truncated to 0.
  for (const char* name :
       {"1.M2P0Q3R4.host", "1.M2P4294967296Q3R4.host", "1.M2P4294967295Q3R4.host"}) {
    BOOST_TEST(!owner_of(name).has_value(), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
