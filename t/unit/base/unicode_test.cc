// X7: spellings of the same address.
#include "base/unicode.hh"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_unicode)

BOOST_AUTO_TEST_CASE(ascii_domains_are_folded_in_every_build_X7) {
  BOOST_CHECK(to_ascii_domain("Example.ORG") == "example.org");
  BOOST_CHECK(to_ascii_domain("[IPv6:2001:DB8::1]") == "[ipv6:2001:db8::1]");
  BOOST_CHECK(to_ascii_domain("XN--BCHER-KVA.example") == "xn--bcher-kva.example");
  BOOST_TEST(fold_case("Pat.ACK") == "pat.ack");
  BOOST_TEST(to_nfc("Pat") == "Pat");
  BOOST_TEST(is_utf8("pat"));
}

BOOST_AUTO_TEST_CASE(u_labels_and_a_labels_name_the_same_domain_X7) {
  const std::string u_label =
                        "b\xc3\xbc"
                        "cher.example",
                    capital =
                        "B\xc3\x9c"
                        "CHER.Example";
  const std::string decomposed =
      "bu\xcc\x88"
      "cher.example";
  if (!knows_unicode()) {
    BOOST_TEST(!to_ascii_domain(u_label).has_value());
    return;
  }
  for (const auto& domain : {u_label, capital, decomposed}) {
    BOOST_CHECK(to_ascii_domain(domain) == "xn--bcher-kva.example");
  }
  // RFC 5891 keeps this letter, which IDNA 2003 mapped to "ss".
  BOOST_CHECK(to_ascii_domain("stra\xc3\x9f"
                              "e.example") == "xn--strae-oqa.example");
}

BOOST_AUTO_TEST_CASE(impossible_domain_names_are_rejected_X7) {
  // A label whose A-label is too long, a leading hyphen, mixed directions, and a code point that
  // IDNA disallows.
  std::string longest(40, 'a');
  for (std::string domain :
       {longest + "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad" + longest + ".example",
        std::string("-\xc3\xbc.example"),
        std::string("\xd7\x90"
                    "a.example"),
        std::string("\xe2\x99\xa5.example")}) {
    BOOST_TEST(!to_ascii_domain(domain).has_value(), domain);
  }
}

// A fullwidth '@', '/', '<', '"' and backslash, an ideographic space, "a/c", and dots without a
// label.
BOOST_AUTO_TEST_CASE(no_character_maps_to_one_that_names_must_not_contain_X7_R2) {
  for (std::string_view character : {"\uff20", "\uff0f", "\uff1c", "\uff02", "\uff3c", "\u3000",
                                     "\u2100", "\uff0e.", "\u3002\uff0e"}) {
    auto domain = "a" + std::string(character) + "b.example";
    BOOST_TEST(!to_ascii_domain(domain).has_value(), domain);
  }
  if (!knows_unicode()) return;
  // A dot of another script counts as a dot, and mail domains may contain an underscore.
  BOOST_CHECK(to_ascii_domain("a\u3002\u00fc.example") == "a.xn--tda.example");
  BOOST_CHECK(to_ascii_domain("a_b.\u00fc.example") == "a_b.xn--tda.example");
}

BOOST_AUTO_TEST_CASE(local_parts_are_composed_and_folded_X7) {
  const std::string composed = "m\xc3\xbcller", decomposed = "mu\xcc\x88ller";
  const std::string capital = "M\xc3\x9cLLER";
  if (!knows_unicode()) {
    BOOST_TEST(!is_utf8(composed));
    return;
  }
  BOOST_TEST(to_nfc(decomposed) == composed);
  BOOST_TEST(fold_case(decomposed) == composed);
  BOOST_TEST(fold_case(capital) == composed);
  BOOST_TEST(is_utf8(composed));
  for (std::string text : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    BOOST_TEST(!is_utf8(text));
  }
}

BOOST_AUTO_TEST_SUITE_END()
