#include "base/units.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_units)

BOOST_AUTO_TEST_CASE(a_size_may_end_in_K_M_or_G) {
  BOOST_TEST(parse_size("1000").value() == 1000u);
  BOOST_TEST(parse_size("1K").value() == 1024u);
  BOOST_TEST(parse_size("50M").value() == 50u * 1024 * 1024);
  BOOST_TEST(parse_size("2g").value() == 2ull << 30);
}

BOOST_AUTO_TEST_CASE(an_invalid_or_overflowing_size_is_rejected) {
  for (auto text : {"", "K", "1T", "1 K", "-1", "+1", "1.5M", "0x10", "18446744073709551615K",
                    "18446744073709551616", "1KB"}) {
    BOOST_TEST(!parse_size(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_duration_may_end_in_s_m_h_or_d) {
  BOOST_CHECK(parse_duration("90") == std::chrono::seconds(90));
  BOOST_CHECK(parse_duration("90s") == std::chrono::seconds(90));
  BOOST_CHECK(parse_duration("5m") == std::chrono::seconds(300));
  BOOST_CHECK(parse_duration("1h") == std::chrono::seconds(3600));
  BOOST_CHECK(parse_duration("2d") == std::chrono::seconds(172800));
}

BOOST_AUTO_TEST_CASE(an_invalid_duration_or_one_beyond_a_century_is_rejected) {
  for (auto text : {"", "m", "5M", "1w", "5 m", "-1s", "1m30s", "99999999999999999999", "36501d",
                    "18446744073709551615d"}) {
    BOOST_CHECK_MESSAGE(!parse_duration(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_mode_is_octal_and_has_only_permission_bits) {
  BOOST_TEST(parse_mode("0660").value() == 0660u);
  BOOST_TEST(parse_mode("777").value() == 0777u);
  for (auto text : {"", "0668", "1777", "4755", "00660", "rw-"}) {
    BOOST_TEST(!parse_mode(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_domain_has_labels_of_letters_digits_hyphens_and_underscores) {
  for (auto text :
       {"localhost", "mail.example.org", "xn--bcher-kva.example", "build_1", "3com.com"}) {
    BOOST_TEST(is_domain(text), text);
  }
  for (auto text : {"", ".", "example.org.", "a..b", "-a.org", "a-.org", "a b", "a@b", "../etc",
                    "b\xc3\xbc"
                    "cher.example",
                    "[192.0.2.1]"}) {
    BOOST_TEST(!is_domain(text), text);
  }
  BOOST_TEST(is_domain(std::string(63, 'a') + ".org"));
  BOOST_TEST(!is_domain(std::string(64, 'a') + ".org"));
}

BOOST_AUTO_TEST_CASE(an_account_is_a_name_or_a_number) {
  for (auto text : {"mail", "_handoff", "1000", "svc-mail$", "a.b"}) BOOST_TEST(is_account(text));
  for (auto text : {"", "a b", "a:b", "a/b", "-a", "a\n"}) BOOST_TEST(!is_account(text));
}

BOOST_AUTO_TEST_CASE(a_share_is_a_number_or_a_percentage) {
  BOOST_TEST(parse_share("5%", parse_size)->per_cent);
  BOOST_TEST(parse_share("5%", parse_size)->number == 5u);
  BOOST_TEST(parse_share("100M", parse_size)->number == 100u << 20);
  BOOST_TEST(!parse_share("100M", parse_size)->per_cent);
  for (const char* text : {"", "%", "100%", "-1%", "5 %", "x", "5%%"}) {
    BOOST_TEST(!parse_share(text, parse_size).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
