#include "sys/secrets.hh"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>

#include "in_child.hh"

using namespace handoff;

BOOST_AUTO_TEST_SUITE(sys_secrets)

BOOST_AUTO_TEST_CASE(an_erased_text_is_empty_and_overwritten) {
  std::string text(100, 'x');
  const char* where = text.data();
  sys::erase(text);
  BOOST_TEST(text.empty());
  text.resize(1);  // the same memory
  BOOST_TEST((text.data() == where && where[50] == 0));
}

BOOST_AUTO_TEST_CASE(variables_of_databases_are_overwritten_and_removed) {
  BOOST_TEST(sys::is_of_database("PGPASSWORD=x"));
  BOOST_TEST(!sys::is_of_database("PATH=/bin"));
  auto said = in_child([]() -> std::string {
    std::string variable = "PGPASSWORD=unguessable";
    ::putenv(variable.data());
    ::setenv("MYSQL_PWD", "x", 1);
    ::setenv("OTHER", "kept", 1);
    sys::erase_database_variables();
    bool gone = ::getenv("PGPASSWORD") == nullptr && ::getenv("MYSQL_PWD") == nullptr;
    bool erased = variable.find("unguessable") == std::string::npos;
    return gone && erased && ::getenv("OTHER") != nullptr ? "erased" : "left";
  });
  BOOST_TEST(said == "erased");
}

BOOST_AUTO_TEST_SUITE_END()
