#include "sys/digest.hh"

#include <boost/test/unit_test.hpp>
#include <string>

namespace handoff::sys {

BOOST_AUTO_TEST_SUITE(sys_digest)

// The value that the definition of XXH3 gives for empty input, most significant octet first.
BOOST_AUTO_TEST_CASE(the_digest_of_an_empty_text_is_that_of_xxh3) {
  const Digest expected{0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
                        0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
  BOOST_TEST(digest_of({}) == expected);
}

BOOST_AUTO_TEST_CASE(octets_that_arrive_in_pieces_have_the_digest_of_the_whole) {
  std::string whole;
  for (int i = 0; i < 2000; ++i) whole += "line " + std::to_string(i) + "\n";
  for (std::size_t piece : {std::size_t{1}, std::size_t{77}, std::size_t{4096}, whole.size()}) {
    Digester digester;
    for (std::size_t at = 0; at < whole.size(); at += piece) digester.add(whole.substr(at, piece));
    BOOST_TEST(digester.finish() == digest_of(whole));
  }
  BOOST_TEST(digest_of(whole) != digest_of(whole + "x"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace handoff::sys
