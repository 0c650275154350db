// Queries and filters: what in them is a variable, and what of a setting is what.
#include "recipients/template.hh"

#include <boost/test/unit_test.hpp>

#include "recipients/dovecot_lookup.hh"
#include "recipients/ldap_lookup.hh"

using namespace handoff;
using namespace handoff::recipients;

BOOST_AUTO_TEST_SUITE(recipients_template)

BOOST_AUTO_TEST_CASE(variables_are_cut_out_and_their_values_stand_apart) {
  auto query = parse_query("SELECT 'a%%' FROM t WHERE n = %n AND d=%d AND u LIKE %u").value();
  BOOST_TEST(query.variables == "ndu");
  BOOST_TEST((query.texts == std::vector<std::string>{
                                 "SELECT 'a%' FROM t WHERE n = ", " AND d=", " AND u LIKE ", ""}));
  BOOST_TEST((query.values({"o'%d", "example.org"}) ==
              std::vector<std::string>{"o'%d", "example.org", "o'%d@example.org"}));
}

BOOST_AUTO_TEST_CASE(a_variable_in_quotes_an_unknown_one_and_none_are_refused) {
  for (const char* wrong : {"SELECT 1 WHERE n = '%n'", "SELECT 1 WHERE n = 'x%n", "SELECT %x, %n",
                            "SELECT 1", "SELECT %n %", ""}) {
    BOOST_TEST(!parse_query(wrong).ok(), wrong);
  }
}

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

BOOST_AUTO_TEST_CASE(dovecots_words_are_fields) {
  auto user = parse_dovecot_user(
                  "uid=5\tgid=6\thome=/h/p\tmail=maildir:~/Mail:INDEX=/x\tsystem_groups="
                  "\tquota_rule=*:storage=10M:messages=7\tquota_rule2=Trash:x\tnice")
                  .value();
  BOOST_TEST((user.uid == 5u && user.gid == 6u));
  BOOST_TEST(user.home == "/h/p");
  BOOST_TEST(user.mailbox == "/h/p/Mail");
  BOOST_TEST((user.quota_octets == 10u << 20 && user.quota_messages == 7u));
  BOOST_TEST((parse_dovecot_user("quota_rule=*:storage=3").value().quota_octets == 3u << 10));
  BOOST_TEST(parse_dovecot_user("home=/h/\001t").ok() == false);
  for (const char* wrong : {"mail=mbox:~/m", "mail=maildir:Mail", "uid=x", "home=h",
                            "home=/h\tmail=maildir:~/../x", "quota_rule=*:storage=many"}) {
    BOOST_TEST(!parse_dovecot_user(wrong).ok(), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
