// How folders are called in IMAP: the examples of RFC 3501 5.1.3, and what Dovecot makes of others.
#include "base/utf7.hh"

#include <boost/test/unit_test.hpp>

using handoff::to_imap_utf7;

BOOST_AUTO_TEST_SUITE(base_utf7)

BOOST_AUTO_TEST_CASE(text_is_written_as_rfc_3501_has_it) {
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

BOOST_AUTO_TEST_SUITE_END()
