// Parsing of queries and filters: their variables, and the division of a setting into its parts.
#include "recipients/template.hh"

#include <boost/test/unit_test.hpp>

#include "recipients/dovecot_lookup.hh"

using namespace handoff;
using namespace handoff::recipients;

namespace {

Result<Database> query_of(const std::string& query) { return Database::parse("dbname=x?" + query); }

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_template)

BOOST_AUTO_TEST_CASE(variables_are_extracted_and_their_values_kept_separately) {
  auto query = query_of("SELECT 'a%%' FROM t WHERE n = %n AND d=%d AND u LIKE %u").value().query;
  BOOST_TEST(query.variables == "ndu");
  BOOST_TEST((query.texts == std::vector<std::string>{
                                 "SELECT 'a%' FROM t WHERE n = ", " AND d=", " AND u LIKE ", ""}));
  BOOST_TEST((query.values({"o'%d", "example.org"}) ==
              std::vector<std::string>{"o'%d", "example.org", "o'%d@example.org"}));
}

BOOST_AUTO_TEST_CASE(a_query_with_a_quoted_an_unknown_or_no_variable_is_refused) {
  for (const char* wrong : {"SELECT 1 WHERE n = '%n'", "SELECT 1 WHERE n = 'x%n", "SELECT %x, %n",
                            "SELECT 1", "SELECT %n %", ""}) {
    BOOST_TEST(!query_of(wrong).ok(), wrong);
  }
}

BOOST_AUTO_TEST_CASE(only_whole_words_of_a_query_are_matched_X12) {
  auto has_since = [](const char* query) {
    return query_of(query).value().query.has_word("since");
  };
  BOOST_TEST(has_since("SELECT created AS since FROM users WHERE name = %n"));
  BOOST_TEST(has_since("SELECT since, quota FROM users WHERE name = %n"));
  BOOST_TEST(has_since("SELECT %n, u.since"));
  for (auto query : {"SELECT 1 FROM sincere WHERE name = %n", "SELECT a_since, sinceb WHERE %n",
                     "SELECT since1, Xsince, since_ WHERE %n", "SELECT sin%nce"}) {
    BOOST_TEST(!has_since(query), query);
  }
}

BOOST_AUTO_TEST_CASE(the_words_of_dovecots_answer_become_fields) {
  auto user = parse_dovecot_user(
                  "uid=5\tgid=6\thome=/h/p\tmail=maildir:~/Mail:INDEX=/x\tsystem_groups="
                  "\tquota_rule=*:storage=10M:messages=7\tquota_rule2=Trash:x\tnice\tsince=7")
                  .value();
  BOOST_TEST((user.uid == 5u && user.gid == 6u));
  BOOST_TEST(user.home == "/h/p");
  BOOST_TEST((user.since && user.since->time_since_epoch().count() == 7));
  BOOST_TEST(user.mailbox == "/h/p/Mail");
  BOOST_TEST((user.quota_octets == 10u << 20 && user.quota_messages == 7u));
  BOOST_TEST((parse_dovecot_user("quota_rule=*:storage=3").value().quota_octets == 3u << 10));
  BOOST_TEST(parse_dovecot_user("home=/h/\001t").ok() == false);
  auto place = [](const char* words) {
    auto read = parse_dovecot_user(words);
    return read ? read.value().mailbox : "error: " + read.error().describe();
  };
  BOOST_TEST(place("home=/h\tmail=maildir:~/mail:INBOX=~/Maildir") == "/h/Maildir");
  BOOST_TEST(place("home=/h\tmail=maildir:~/mail:LAYOUT=Maildir++") == "/h/mail");
  BOOST_TEST(place("home=/h\tmail_driver=maildir\tmail_path=~/m\tmail_inbox_path=~/i") == "/h/i");
  BOOST_TEST(place("home=/h\tmail_path=~/m") == "/h/m");
  for (const char* wrong :
       {"mail=maildir:~/Maildir", "home=/h\tmail=maildir:~/m:LAYOUT=fs",
        "home=/h\tmail_driver=sdbox\tmail_path=~/m", "mail=mbox:~/m", "mail=maildir:Mail", "uid=x",
        "home=h", "home=/h\tmail=maildir:~/../x", "quota_rule=*:storage=many"}) {
    BOOST_TEST(!parse_dovecot_user(wrong).ok(), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
