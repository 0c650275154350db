// Folder names in IMAP: the examples of RFC 3501 5.1.3, and others as Dovecot encodes them.
#include "base/utf7.hh"

#include <boost/test/unit_test.hpp>

using handoff::from_imap_utf7;
using handoff::to_imap_utf7;

BOOST_AUTO_TEST_SUITE(base_utf7)

BOOST_AUTO_TEST_CASE(text_is_encoded_as_in_the_examples_of_rfc_3501) {
  BOOST_TEST(to_imap_utf7("") == "");
  BOOST_TEST(to_imap_utf7("lists.c++ ~/x") == "lists.c++ ~/x");
  BOOST_TEST(to_imap_utf7("a & b") == "a &- b");
  BOOST_TEST(to_imap_utf7("&&") == "&-&-");
  BOOST_TEST(to_imap_utf7("\xe5\x8f\xb0\xe5\x8c\x97") == "&U,BTFw-");
  BOOST_TEST(to_imap_utf7("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
                          "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e") ==
             "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
  BOOST_TEST(to_imap_utf7("Entw\xc3\xbcrfe") == "Entw&APw-rfe");
  BOOST_TEST(to_imap_utf7("Gr\xc3\xbc\xc3\x9f") == "Gr&APwA3w-");
  BOOST_TEST(to_imap_utf7("\xf0\x9f\x93\xac") == "&2D3c7A-");  // a pair of surrogates
  BOOST_TEST(to_imap_utf7("\xc3\xa4"
                          "1\xc3\xb6") == "&AOQ-1&APY-");
}

BOOST_AUTO_TEST_CASE(only_correctly_encoded_names_are_decoded) {
  for (std::string text : {"", "lists", "a & b", "&&", "\xe5\x8f\xb0\xe5\x8c\x97",
                           "Gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x93\xac!", "\xc3\xa4-\xc3\xb6"}) {
    BOOST_TEST(from_imap_utf7(to_imap_utf7(text)).value_or("?") == text);
  }
  BOOST_TEST(from_imap_utf7("&A5EDkQ-").value_or("?") == "\xce\x91\xce\x91");
  for (auto wrong : {"&", "a&b", "&A5EDkQ", "&AGE-", "&A5ED-", "&A5EDkR-", "&2D0-", "&*-",
                     "&APw-&APw-", "\xc3\xbc"}) {
    BOOST_TEST(!from_imap_utf7(wrong).has_value(), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
