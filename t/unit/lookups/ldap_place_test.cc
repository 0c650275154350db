// The URL of recipients.lookup = ldap.
#include "lookups/ldap_place.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::recipients;

BOOST_AUTO_TEST_SUITE(lookups_ldap_place)

BOOST_AUTO_TEST_CASE(a_directory_is_a_url_with_fields_and_a_plain_filter) {
  auto place = parse_ldap_place(
                   "ldap://h:389/ou=a%20b,dc=c?uid=uidNumber,home=homeDirectory?one?"
                   "(mail=%u)?!bindname=cn=x%2cdc=c,password-file=/p,starttls")
                   .value();
  BOOST_TEST(place.server == "ldap://h:389");
  BOOST_TEST(place.base == "ou=a b,dc=c");
  BOOST_TEST(place.attributes.size() == 2u);
  BOOST_TEST(
      (place.attributes.at(1) == std::pair<std::string, std::string>("home", "homeDirectory")));
  BOOST_TEST(place.scope == "one");
  BOOST_TEST(place.filter == "(mail=%u)");
  BOOST_TEST(place.bind_name == "cn=x,dc=c");
  BOOST_TEST(place.password_file == "/p");
  BOOST_TEST(place.start_tls);
  auto local = parse_ldap_place(
                   "ldapi://%2Frun%2Fldapi/dc=c?"
                   "?"
                   "?(uid=%n)")
                   .value();
  BOOST_TEST(local.server == "ldapi://%2Frun%2Fldapi");
  BOOST_TEST(local.scope == "sub");
  BOOST_TEST(parse_ldap_place("//h/dc=c").value().server == "ldap://h");
  for (const char* wrong : {"ldap://h/b?mail", "ldap://h/b?colour=x", "ldap://h/b??all",
                            "ldap://h/b????x-y=z", "ldap://h/b?????", "h"}) {
    BOOST_TEST(!parse_ldap_place(wrong).ok(), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
