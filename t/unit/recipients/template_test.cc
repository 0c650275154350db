// Queries and filters: what in them is a variable, and what of a setting is what.
#include "recipients/template.hh"

#include <boost/test/unit_test.hpp>

#include "recipients/dovecot_lookup.hh"

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
