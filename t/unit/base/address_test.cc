// Writing addresses and reading the result. lmtp/path_test.cc tests addresses from peers.
#include "base/address.hh"

#include <boost/test/unit_test.hpp>

#include "base/mailbox.hh"

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_address)

BOOST_AUTO_TEST_CASE(a_local_part_is_quoted_only_if_necessary_S3) {
  auto text = [](std::string local) { return Address{std::move(local), "b"}.text(); };
  BOOST_TEST(text("a") == "a@b");
  BOOST_TEST(text("a.b+c") == "a.b+c@b");
  BOOST_TEST(text("!#$%&'*+-/=?^_`{|}~") == "!#$%&'*+-/=?^_`{|}~@b");
  BOOST_TEST(text("\xc3\xbc") == "\xc3\xbc@b");
  BOOST_TEST(text("") == "\"\"@b");
  BOOST_TEST(text("a b") == "\"a b\"@b");
  BOOST_TEST(text(".a") == "\".a\"@b");
  BOOST_TEST(text("a.") == "\"a.\"@b");
  BOOST_TEST(text("a..b") == "\"a..b\"@b");
  BOOST_TEST(text("a@b") == "\"a@b\"@b");
  BOOST_TEST(text("a\"b") == "\"a\\\"b\"@b");
  BOOST_TEST(text("a\\b") == "\"a\\\\b\"@b");
}

BOOST_AUTO_TEST_CASE(addresses_can_be_hidden_in_any_text) {
  Address pat{"pat", "example.org"};
  BOOST_TEST(hide_address("no shard for pat@example.org", pat) == "no shard for ***");
  BOOST_TEST(hide_address("uid=Pat,dc=x: <lee@example.net> \"a\"", pat) ==
             "uid=***,dc=x: <***> \"a\"");
  BOOST_TEST(hide_address("example.org: patch", pat) == "***: patch");
  BOOST_TEST(hide_address("", pat) == "");
}

BOOST_AUTO_TEST_CASE(a_printed_address_is_parsed_to_the_same_S3) {
  for (const char* local : {"a", "a.b+c", "", "a b", ".a", "a..b", "a@b", "a\"b", "a\\b", "\\",
                            "\"", "\"@\"", "\xc3\xbc"}) {
    for (const char* domain : {"example.org", "[192.0.2.1]", ""}) {
      Address address{local, domain};
      BOOST_TEST((Address::of_text(address.text()) == address), address.text());
    }
  }
  for (const char* text : {"\"", "\"a", "\"a\\", "\"a\"b", "@", "a@"}) {
    BOOST_TEST(Address::of_text(text).domain == "", text);
  }
}

BOOST_AUTO_TEST_CASE(an_address_may_have_no_domain_or_be_null_S3) {
  BOOST_TEST((Address{"postmaster", ""}.text()) == "postmaster");
  BOOST_TEST((Address{"a b", ""}.text()) == "\"a b\"");
  BOOST_TEST(Address{}.null());
  BOOST_TEST(Address{}.text() == "");
  BOOST_TEST(!(Address{"", "b"}.null()));
  BOOST_TEST(!(Address{"a", ""}.null()));
}

BOOST_AUTO_TEST_CASE(addresses_are_equal_if_every_octet_is_equal) {
  BOOST_CHECK((Address{"a", "b"} == Address{"a", "b"}));
  BOOST_CHECK((Address{"a", "b"} != Address{"A", "b"}));
  BOOST_CHECK((Address{"a", "b"} != Address{"a", "B"}));
}

BOOST_AUTO_TEST_CASE(mailboxes_with_the_same_path_and_folder_are_equal_L4) {
  Mailbox inbox{"x.example/a", "", "a@x.example"};
  Mailbox alias{"x.example/a", "", "b@x.example"};
  Mailbox folder{"x.example/a", "lists", "a@x.example"};
  Mailbox other{"x.example/b", "", "a@x.example"};
  BOOST_TEST(inbox.same_place(alias));
  BOOST_TEST(!inbox.same_place(folder));
  BOOST_TEST(!inbox.same_place(other));
  BOOST_TEST(inbox.place() == "x.example/a");
  BOOST_TEST(folder.place() == "x.example/a/.lists");
  folder.base = "/home/a";
  folder.path = "Maildir";
  BOOST_TEST(folder.place() == "/home/a/Maildir/.lists");
  BOOST_TEST(folder.below_base() == "Maildir/.lists");
  auto elsewhere = inbox;
  elsewhere.base = "/home/a";
  BOOST_TEST(!inbox.same_place(elsewhere));
}

BOOST_AUTO_TEST_SUITE_END()
