// Missing and invalid modules. t/e2e and t/interop test valid ones.
#include "recipients/modules.hh"

#include <boost/test/unit_test.hpp>

#include "lookup_settings.hh"
#include "sys/files.hh"
#include "sys/module.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::recipients;

BOOST_AUTO_TEST_SUITE(recipients_modules)

BOOST_AUTO_TEST_CASE(the_message_about_a_missing_module_names_its_package) {
  TemporaryDirectory place;
  auto opened = open_lookup_module("ldap", place.path());
  BOOST_TEST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == ENOENT);
  auto said = opened.error().describe();
  for (const auto& wanted :
       {place.path("handoff-ldap.so"), std::string("--with-ldap"), std::string("No such file")}) {
    BOOST_TEST(said.find(wanted) != said.npos, said);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_a_module_is_an_error_with_the_linkers_message) {
  TemporaryDirectory place;
  place.write("handoff-mysql.so", "not an object");
  auto opened = open_lookup_module("mysql", place.path());
  BOOST_TEST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.error().code == ENOTSUP);
  BOOST_TEST(opened.error().what.find(place.path("handoff-mysql.so")) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lookups_that_need_no_module_open_none) {
  BOOST_TEST(
      open_modules(lookup_settings({"any", "file:/x", "socketmap:unix:/x:y"})).value().empty());
}

BOOST_AUTO_TEST_CASE(a_lookup_whose_module_was_not_opened_cannot_be_created) {
  sys::Files files;
  TemporaryDirectory place;
  auto spool = files.open_root(place.path()).value();
  std::string layout = "%d/%n";
  LookupContext context{files, spool, layout};
  auto setting = lookup_settings({"sqlite:/x?SELECT %u"}).front();
  BOOST_TEST(make_lookup(setting, context).error().code == ENOTSUP);
  Modules none;
  context.modules = &none;
  BOOST_TEST(make_lookup(setting, context).error().code == ENOTSUP);
}

BOOST_AUTO_TEST_CASE(the_folder_of_the_running_program_is_found) {
  auto folder = sys::program_folder();
  BOOST_TEST(folder.starts_with('/'));
  BOOST_TEST(folder.ends_with("/t/unit"));
}

BOOST_AUTO_TEST_SUITE_END()
