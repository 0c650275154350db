// Replies as octets, the table of phrases, and the table of failures.
#include "lmtp/reply.hh"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "lmtp/dialogue.hh"
#include "lmtp/failure.hh"

using namespace handoff::lmtp;

namespace {

std::string octets(const Reply& reply) {
  std::string out;
  reply.append_to(out);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_reply)

BOOST_AUTO_TEST_CASE(a_reply_is_a_code_a_status_and_a_text) {
  constexpr Phrase kPhrase{550, "5.1.1", "<$1> costs $2, $$ or $1"};
  Reply reply(kPhrase, {"a@b", "5"});
  BOOST_TEST(octets(reply) == "550 5.1.1 <a@b> costs 5, $$ or a@b\r\n");
  BOOST_TEST(reply.one_line() == "550 5.1.1 <a@b> costs 5, $$ or a@b");
  BOOST_TEST(!reply.positive());
  BOOST_TEST(Reply(Phrase{252, "2.1.5", ""}).positive());
  BOOST_TEST(!Reply(Phrase{354, "", ""}).positive());
  BOOST_TEST(!Reply(Phrase{452, "4.3.1", ""}).positive());
}

BOOST_AUTO_TEST_CASE(an_inserted_text_is_not_expanded_again) {
  constexpr Phrase kPhrase{250, "2.0.0", "$1 $2"};
  BOOST_TEST(octets({kPhrase, {"$2", "$1"}}) == "250 2.0.0 $2 $1\r\n");
  BOOST_TEST(octets({kPhrase, {"a"}}) == "250 2.0.0 a \r\n");
}

BOOST_AUTO_TEST_CASE(every_line_of_a_reply_carries_code_and_status_X2) {
  constexpr Phrase kPhrase{214, "2.0.0", "one\ntwo\n$1"};
  BOOST_TEST(octets({kPhrase, {"three"}}) ==
             "214-2.0.0 one\r\n214-2.0.0 two\r\n214 2.0.0 three\r\n");
  BOOST_TEST(Reply(kPhrase, {"three"}).one_line() == "214 2.0.0 one two three");
}

BOOST_AUTO_TEST_CASE(an_inserted_text_ends_no_line_and_is_ascii_X2) {
  constexpr Phrase kPhrase{501, "5.5.4", "$1"};
  BOOST_TEST(octets({kPhrase, {std::string_view("a\r\n250 b\n\0\t\x7f\xc3\xbc", 14)}}) ==
             "501 5.5.4 a??250 b??????\r\n");
}

BOOST_AUTO_TEST_CASE(a_reply_line_has_512_octets_at_most_X2) {
  constexpr Phrase kPhrase{501, "5.5.4", "$1\nend"};
  auto longest = octets({kPhrase, {std::string(500, 'x')}});
  BOOST_TEST(longest == "501-5.5.4 " + std::string(500, 'x') + "\r\n501 5.5.4 end\r\n");
  BOOST_TEST(octets({kPhrase, {std::string(501, 'x')}}) == longest);
}

// All phrases: the header is read as text, so that none is forgotten.
BOOST_AUTO_TEST_CASE(every_phrase_has_a_status_of_the_class_of_its_code_X2) {
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "../../../src/lmtp/replies.hh");
  BOOST_REQUIRE(in.is_open());
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::regex phrase(R"re(Phrase (k\w+)\{\s*([0-9]{3}),\s*"([0-9.]*)")re");
  std::regex status(R"re([245]\.[0-9]{1,3}\.[0-9]{1,3})re");
  std::set<std::string> without;
  int count = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), phrase), end; it != end; ++it, ++count) {
    const auto& found = *it;
    if (found[3].length() == 0) {
      without.insert(found[1]);
      continue;
    }
    BOOST_TEST(std::regex_match(found[3].str(), status), found[1]);
    BOOST_TEST(found[2].str()[0] == found[3].str()[0], found[1]);
  }
  BOOST_TEST(count >= 40);
  std::size_t declared = 0;
  for (auto at = text.find(" Phrase k"); at != text.npos; at = text.find(" Phrase k", at + 1)) {
    ++declared;
  }
  BOOST_TEST(declared == static_cast<std::size_t>(count));
  BOOST_TEST((without == std::set<std::string>{"kAuthChallenge", "kGreeting", "kHello", "kStart"}));
}

BOOST_AUTO_TEST_CASE(no_failure_of_the_server_bounces_mail_R1_X2) {
  for (const auto& row : failure_table()) {
    BOOST_TEST(row.phrase.code / 100 == 4, row.phrase.text);
    BOOST_TEST(fault_of_replies(octets(Reply(row.phrase))) == "");
    BOOST_TEST(octets(reply_to({row.code, "write", "a/b"})) == octets(Reply(row.phrase)));
  }
  BOOST_TEST(octets(reply_to_lookup_failure()).starts_with("451 4.3.0 "));
}

BOOST_AUTO_TEST_CASE(an_unknown_errno_becomes_451_R1) {
  std::set<int> known;
  for (const auto& row : failure_table()) {
    BOOST_TEST(known.insert(row.code).second,
               row.phrase.text);  // otherwise the second is never used
  }
  for (int code = -1; code < 200; ++code) {
    auto reply = octets(reply_to({code, "write", ""}));
    BOOST_TEST(reply[0] == '4');
    if (!known.contains(code)) BOOST_TEST(reply.starts_with("451 4.3.0 "), code);
    BOOST_TEST(fault_of_replies(reply) == "");
  }
}

BOOST_AUTO_TEST_CASE(the_client_gets_the_reply_for_the_storage_error_R5) {
  BOOST_TEST(codes(octets(reply_to({ENOSPC, "", ""}))) == "452 4.3.1");
  BOOST_TEST(codes(octets(reply_to({EDQUOT, "", ""}))) == "452 4.2.2");
  BOOST_TEST(codes(octets(reply_to({EIO, "", ""}))) == "451 4.3.0");
  BOOST_TEST(codes(octets(reply_to({EACCES, "", ""}))) == "451 4.3.0");
}

BOOST_AUTO_TEST_CASE(the_cause_and_the_path_appear_only_in_the_log_R5) {
  auto reply = octets(reply_to({EIO, "fsync-it", "secret/path"}));
  BOOST_TEST(reply.find("fsync-it") == std::string::npos);
  BOOST_TEST(reply.find("secret") == std::string::npos);
}

// The checker that every dialogue uses must detect errors.
BOOST_AUTO_TEST_CASE(malformed_replies_are_found_X2) {
  for (std::string_view good :
       {"", "250 2.0.0 ok\r\n", "220 mx.example.org LMTP\r\n", "354 go\r\n",
        "250-mx.example.org\r\n250 SIZE 1\r\n", "214-2.0.0 a\r\n214 2.0.0 b\r\n421 4.3.2 c\r\n"}) {
    BOOST_TEST(fault_of_replies(good) == "");
  }
  for (std::string_view bad :
       {"250 2.0.0 ok", "250 2.0.0 ok\n", "250 ok\r\n", "250 4.0.0 ok\r\n", "550 2.0.0 no\r\n",
        "354 3.0.0 go\r\n", "25 2.0.0\r\n", "250_2.0.0 ok\r\n", "250-2.0.0 ok\r\n", "\r\n",
        "214-2.0.0 a\r\n214 b\r\n", "214-2.0.0 a\r\n250 2.0.0 b\r\n", "250 2.0.0 \xc3\xbc\r\n",
        "250 2.0.0 a\nb\r\n", "250-x\r\n250 SIZE 1\r\n", "220 ready\r\n", "334 3.0.0 x\r\n"}) {
    BOOST_TEST(fault_of_replies(bad) != "", bad);
  }
}

BOOST_AUTO_TEST_SUITE_END()
