// Modules that are not there, or are none. Those that are: t/e2e, t/interop.
#include "recipients/modules.hh"

#include <boost/test/unit_test.hpp>

#include "recipients/lookup.hh"
#include "sys/files.hh"
#include "sys/module.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::recipients;

BOOST_AUTO_TEST_SUITE(recipients_modules)

BOOST_AUTO_TEST_CASE(a_module_that_is_not_there_is_named_with_what_brings_it) {
  TemporaryDirectory place;
  auto opened = open_lookup_module("ldap", place.path());
  BOOST_TEST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == ENOENT);
  auto said = opened.error().describe();
  for (const auto& wanted : {place.path("handoff-ldap.so"), std::string("recipients.lookup = ldap"),
                             std::string("--with-ldap"), std::string("No such file")}) {
    BOOST_TEST(said.find(wanted) != said.npos, said);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_module_is_an_error_in_the_linkers_words) {
  TemporaryDirectory place;
  place.write("handoff-mysql.so", "not an object");
  auto opened = open_lookup_module("mysql", place.path());
  BOOST_TEST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == ENOTSUP);
  BOOST_TEST(opened.error().what.find(place.path("handoff-mysql.so")) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lookups_that_need_no_module_open_none) {
  BOOST_TEST(open_modules({"any", "file:/x", "socketmap:unix:/x:y"}).value().empty());
}

BOOST_AUTO_TEST_CASE(a_lookup_whose_module_was_not_opened_cannot_be_made) {
  sys::PosixFiles files;
  TemporaryDirectory place;
  auto spool = files.open_root(place.path()).value();
  std::string layout = "%d/%n";
  Ground ground{files, spool, layout};
  BOOST_TEST(make_lookup("sqlite:/x?SELECT %u", ground).error().code == ENOTSUP);
  Modules none;
  ground.modules = &none;
  BOOST_TEST(make_lookup("sqlite:/x?SELECT %u", ground).error().code == ENOTSUP);
}

BOOST_AUTO_TEST_CASE(the_program_that_runs_is_in_its_folder) {
  auto folder = sys::program_folder();
  BOOST_TEST(folder.starts_with('/'));
  BOOST_TEST(folder.ends_with("/t/unit"));
}

BOOST_AUTO_TEST_SUITE_END()
