// X8, X7: the encodings of parameter values.
#include "base/xtext.hh"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/unicode.hh"

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_xtext)

BOOST_AUTO_TEST_CASE(xtext_is_printable_ascii_with_hexchars_X8) {
  BOOST_CHECK(decode_xtext("pat@example.org") == "pat@example.org");
  BOOST_CHECK(decode_xtext("a+2Bb+3D+20+00") == std::string("a+b= \0", 6));
  BOOST_CHECK(decode_xtext("") == "");
  BOOST_CHECK(decode_xtext("+41+42") == "AB");
}

BOOST_AUTO_TEST_CASE(invalid_xtext_is_refused_X8) {
  for (std::string text : {"+", "a+", "+2", "+2b", "+2G", "+ 2", "a=b", "a b", "a\tb", "a\x7f",
                           "\xc3\xbc", "+2B+", "++2B"}) {
    BOOST_TEST(!decode_xtext(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(every_octet_is_encoded_so_that_it_decodes_to_itself_X8) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  BOOST_CHECK(decode_xtext(encode_xtext(all)) == all);
  BOOST_TEST(encode_xtext("a+b=c d") == "a+2Bb+3Dc+20d");
}

// RFC 6533 3: "\x{" HEXPOINT "}"; allowed code points.
BOOST_AUTO_TEST_CASE(utf_8_addr_xtext_names_code_points_X7_X8) {
  BOOST_CHECK(decode_utf8_xtext("pat@example.org") == "pat@example.org");
  BOOST_CHECK(decode_utf8_xtext("\\x{2B}\\x{3D}\\x{5C}") == "+=\\");
  for (std::string text :
       {"\\", "\\x", "\\x{", "\\x{E9", "\\x{}", "\\x{E}", "\\x{e9}", "\\x{D800}", "\\x{DFFF}",
        "\\x{110000}", "\\x{0000E9A}", "\\y{E9}", "a=b", "a b", "a+b", "a\x7f", "\\x{G0}",
        // Unnecessary zeros, and characters that need no escape.
        "\\x{00E9}", "\\x{0E9}", "\\x{002B}", "\\x{41}", "\\x{0041}", "\\x{00}"}) {
    BOOST_TEST(!decode_utf8_xtext(text).has_value(), text);
  }
  if (!knows_unicode()) {
    BOOST_TEST(!decode_utf8_xtext("\\x{E9}").has_value());
    return;
  }
  BOOST_CHECK(decode_utf8_xtext("\\x{E9}") == "\xc3\xa9");
  BOOST_CHECK(decode_utf8_xtext("\xc3\xa9") == "\xc3\xa9");  // utf-8-addr-unitext
  BOOST_CHECK(decode_utf8_xtext("\\x{7FF}\\x{800}\\x{FFFF}\\x{10FFFF}") ==
              "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf");
  BOOST_TEST(!decode_utf8_xtext("\xc3").has_value());
  BOOST_TEST(!decode_utf8_xtext("\xed\xa0\x80").has_value());  // a surrogate
}

BOOST_AUTO_TEST_SUITE_END()
