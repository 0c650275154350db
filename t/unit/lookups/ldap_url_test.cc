// The URL of recipients.lookup = ldap.
#ifdef HAVE_LDAP
#include "lookups/ldap_url.hh"

#include <ldap.h>

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::recipients;

BOOST_AUTO_TEST_SUITE(lookups_ldap_url)

BOOST_AUTO_TEST_CASE(an_ldap_url_has_fields_and_a_filter_that_is_not_percent_encoded) {
  auto url = parse_ldap_url(
                 "ldap://h:389/ou=a%20b,dc=c?uid=uidNumber,home=homeDirectory?one?"
                 "(mail=%u)?!bindname=cn=x%2cdc=c,password-file=/p,starttls")
                 .value();
  BOOST_TEST(url.server == "ldap://h:389");
  BOOST_TEST(url.base == "ou=a b,dc=c");
  BOOST_TEST(url.attributes.size() == 2u);
  BOOST_TEST(
      (url.attributes.at(1) == std::pair<std::string, std::string>("home", "homeDirectory")));
  BOOST_TEST(url.scope == LDAP_SCOPE_ONELEVEL);
  BOOST_TEST(url.filter == "(mail=%u)");
  BOOST_TEST(url.bind_name == "cn=x,dc=c");
  BOOST_TEST(url.password_file == "/p");
  BOOST_TEST(url.start_tls);
  auto local = parse_ldap_url(
                   "ldapi://%2Frun%2Fldapi/dc=c?"
                   "?"
                   "?(uid=%n)")
                   .value();
  BOOST_TEST(local.server == "ldapi://%2Frun%2Fldapi");
  BOOST_TEST(local.scope == LDAP_SCOPE_SUBTREE);
  BOOST_TEST(parse_ldap_url("//h/dc=c").value().server == "ldap://h");
  for (const char* wrong : {"ldap://h/b?mail", "ldap://h/b?colour=x", "ldap://h/b??all",
                            "ldap://h/b????x-y=z", "ldap://h/b?????", "h"}) {
    BOOST_TEST(!parse_ldap_url(wrong).ok(), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
#endif
