#include "base/text.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_text)

BOOST_AUTO_TEST_CASE(letters_are_ascii_letters_in_every_locale) {
  std::string fold_upper, fold_lower;
  for (int octet = 0; octet < 256; ++octet) {
    auto c = static_cast<char>(octet);
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    BOOST_TEST(is_alpha(c) == letter, octet);
    BOOST_TEST((lower(c) != c) == (c >= 'A' && c <= 'Z'), octet);
    BOOST_TEST((upper(c) != c) == (c >= 'a' && c <= 'z'), octet);
    BOOST_TEST(is_ascii(c) == (octet < 128), octet);
    BOOST_TEST(is_control(c) == (octet < 32 || octet == 127), octet);
  }
  BOOST_TEST(lower("MAIL \xc3\x9c@[") == "mail \xc3\x9c@[");
  BOOST_TEST(all_ascii("a\x7f"));
  BOOST_TEST(!all_ascii("a\x80"));
  BOOST_TEST(all_ascii(""));
}

BOOST_AUTO_TEST_CASE(words_compare_without_case) {
  BOOST_TEST(iequals("MAIL", "mAiL"));
  BOOST_TEST(!iequals("MAIL", "MAI"));
  BOOST_TEST(!iequals("[", "{"));
  BOOST_TEST(!iequals("\xc3\x9c", "\xc3\xbc"));
  BOOST_TEST(istarts_with("From:<", "FROM:"));
  BOOST_TEST(istarts_with("x", ""));
  BOOST_TEST(!istarts_with("FRO", "FROM"));
}

BOOST_AUTO_TEST_CASE(trim_removes_blanks_and_tabs_at_both_ends) {
  BOOST_TEST(trim(" \ta b\t ") == "a b");
  BOOST_TEST(trim(" \t ") == "");
  BOOST_TEST(trim("") == "");
  BOOST_TEST(trim("a\r\n") == "a\r\n");
}

BOOST_AUTO_TEST_CASE(all_parts_tests_each_part_of_split) {
  for (std::string text : {"", ",", "a", "a,", ",a", "a,,b", "a,b,c"}) {
    std::string seen;
    auto see = [&](std::string_view part) {
      seen += "[" + std::string(part) + "]";
      return true;
    };
    BOOST_TEST(all_parts(text, ',', see));
    std::string parts;
    for (auto part : split(text, ',')) parts += "[" + std::string(part) + "]";
    BOOST_TEST(seen == parts, text);
  }
  auto is_a = [](std::string_view part) { return part == "a"; };
  BOOST_TEST(all_parts("a,a", ',', is_a));
  BOOST_TEST(!all_parts("b,a", ',', is_a));
  BOOST_TEST(!all_parts("a,b", ',', is_a));
}

BOOST_AUTO_TEST_CASE(split_keeps_empty_parts) {
  auto joined = [](std::string_view text) {
    std::string out;
    for (auto part : split(text, ',')) out += "[" + std::string(part) + "]";
    return out;
  };
  BOOST_TEST(joined("a,b") == "[a][b]");
  BOOST_TEST(joined("a,,b,") == "[a][][b][]");
  BOOST_TEST(joined(",") == "[][]");
  BOOST_TEST(joined("") == "[]");
}

BOOST_AUTO_TEST_CASE(a_number_consists_of_digits_and_must_not_overflow) {
  BOOST_TEST(parse_number("0").value() == 0u);
  BOOST_TEST(parse_number("007").value() == 7u);
  BOOST_TEST(parse_number("18446744073709551615").value() == 18446744073709551615u);
  for (auto text : {"", " ", "+1", "-1", " 1", "1 ", "1k", "0x1", "1.0", "18446744073709551616",
                    "99999999999999999999999"}) {
    BOOST_TEST(!parse_number(text).has_value(), "\"" << text << "\"");
  }
}

BOOST_AUTO_TEST_CASE(an_escaped_text_stays_on_its_line_and_is_unambiguous) {
  BOOST_TEST(escape("a b~") == "a b~");
  BOOST_TEST(escape(std::string_view("\0\r\n\t\x1b\x7f\x80\xff", 8)) ==
             "\\x00\\x0d\\x0a\\x09\\x1b\\x7f\\x80\\xff");
  BOOST_TEST(printable("a \"b\"\\ gr\xc3\xbc\xc3\x9f\x65\t\xff\xc2\x9b") ==
             "a \"b\"\\ gr\xc3\xbc\xc3\x9f\x65\\x09\\xff\\xc2\\x9b");
  BOOST_TEST(escape("\"\\x0a") == "\\\"\\\\x0a");
  BOOST_TEST(escape_json("m\xc3\xbc\xf0\x9f\x93\xac") == "m\xc3\xbc\xf0\x9f\x93\xac");
  // Truncated, control character, overlong, surrogate, beyond Unicode, lone continuation octet.
  BOOST_TEST(escape_json("\xe2\x82") == "\\u00e2\\u0082");
  BOOST_TEST(escape_json("\xc2\x9b\xc2\x80") == "\\u009b\\u0080");
  BOOST_TEST(escape_json("\xc2") == "\\u00c2");
  BOOST_TEST(escape_json("\xc0\xaf\xe0\x9f\xbf") == "\\u00c0\\u00af\\u00e0\\u009f\\u00bf");
  BOOST_TEST(escape_json("\xed\xa0\x80") == "\\u00ed\\u00a0\\u0080");
  BOOST_TEST(escape_json("\xf4\x90\x80\x80\xbf") == "\\u00f4\\u0090\\u0080\\u0080\\u00bf");
  BOOST_TEST(escape_json("a\"\\\n\xc3") == "a\\\"\\\\\\u000a\\u00c3");
}

BOOST_AUTO_TEST_CASE(passwords_are_hidden_in_all_their_forms) {
  BOOST_TEST(hide_passwords("host=a password=x user=b") == "host=a password=*** user=b");
  BOOST_TEST(hide_passwords("password = 'a b\\' c'?Q") == "password = ***?Q");
  BOOST_TEST(hide_passwords("sslpassword=x password=") == "sslpassword=*** password=");
  BOOST_TEST(hide_passwords("password=x?SELECT 1") == "password=***?SELECT 1");
  BOOST_TEST(hide_passwords("postgresql://me:s3c@h/db") == "postgresql://me:***@h/db");
  BOOST_TEST(hide_passwords("postgresql://me@h:5432/db") == "postgresql://me@h:5432/db");
  BOOST_TEST(hide_passwords("ldap://h/b????password-file=/p") == "ldap://h/b????password-file=/p");
  BOOST_TEST(hide_passwords("plain") == "plain");
}

BOOST_AUTO_TEST_SUITE_END()
