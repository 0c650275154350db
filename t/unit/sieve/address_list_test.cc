#include "sieve/address_list.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff::sieve;
using boost::test_tools::per_element;

namespace {

std::vector<std::string> addresses(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& mailbox : parse_address_list(text))
    out.push_back((mailbox.valid ? "" : "invalid ") + mailbox.address());
  return out;
}
using List = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(sieve_address_list)

BOOST_AUTO_TEST_CASE(names_comments_groups_and_routes_are_understood_F5) {
  BOOST_TEST(addresses("Pat <pat@example.org>, \"Lee, C\" <lee@example.org>") ==
                 (List{"pat@example.org", "lee@example.org"}),
             per_element());
  BOOST_TEST(addresses("all: a@b.example, c@d.example;, e@f.example") ==
                 (List{"a@b.example", "c@d.example", "e@f.example"}),
             per_element());
  BOOST_TEST(addresses("nobody:;") == List{}, per_element());
  BOOST_TEST(addresses("(x) pat (y) @ (z) example.org") == List{"pat@example.org"}, per_element());
  BOOST_TEST(addresses("<@relay.example:pat@example.org>") == List{"pat@example.org"},
             per_element());
  BOOST_TEST(addresses("\"a b\"@example.org") == List{"\"a b\"@example.org"}, per_element());
}

BOOST_AUTO_TEST_CASE(an_invalid_address_keeps_its_original_text_F5) {
  BOOST_TEST(
      addresses("nonsense, pat@example.org") == (List{"invalid nonsense", "pat@example.org"}),
      per_element());
  BOOST_TEST(addresses("stephan@") == List{"invalid stephan@"}, per_element());
  BOOST_TEST(addresses("") == List{"invalid "}, per_element());
}

BOOST_AUTO_TEST_CASE(an_envelope_may_have_the_null_sender_or_no_domain_F5) {
  BOOST_TEST(parse_path("<>")->local == "");
  BOOST_TEST(parse_path("<MAILER-DAEMON>")->local == "MAILER-DAEMON");
  BOOST_TEST(parse_path("pat@example.org")->domain == "example.org");
  for (const auto* bad :
       {"<pat@example.org", "<pat@@example.org>", "a b@c", "<cola.example:pat@example.org>"})
    BOOST_TEST(!parse_path(bad), bad);
}

BOOST_AUTO_TEST_CASE(redirect_takes_exactly_one_address_F10) {
  BOOST_TEST(parse_one_address("Pat <pat@example.org>")->address() == "pat@example.org");
  for (const auto* bad :
       {"a@b.example,c@d.example", "", "pat", "a@b.example,", "a@b.example\r\nBcc: c@d.example"})
    BOOST_TEST(!parse_one_address(bad), bad);
}

BOOST_AUTO_TEST_SUITE_END()
