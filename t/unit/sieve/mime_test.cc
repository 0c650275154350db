// The parts of a message (RFC 5703): loops over them, replacements, enclosures.
#include <boost/test/unit_test.hpp>

#include "sieve/scripted.hh"

using namespace handoff::sieve;
using boost::test_tools::per_element;

BOOST_AUTO_TEST_SUITE(sieve_mime)

BOOST_FIXTURE_TEST_CASE(each_part_of_a_message_can_be_seen_and_replaced_F22, Scripted) {
  auto ran =
      run("require "
          "[\"foreverypart\",\"mime\",\"replace\",\"extracttext\",\"variables\",\"editheader\"];"
          "foreverypart { if header :mime :param \"name\" :matches \"content-type\" \"*.exe\" { "
          "replace \"Removed.\"; break; } }",
          kParts);
  BOOST_REQUIRE(ran.faults.empty());
  auto text = stored(ran, kParts);
  BOOST_TEST(text.find("evil\r\n") == std::string::npos);
  BOOST_TEST(
      text.find("--b\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: "
                "7bit\r\n\r\nRemoved.\r\n--b\r\n") != std::string::npos);
  BOOST_TEST(text.find("Caf=E9") != std::string::npos);
  BOOST_TEST(text.starts_with("From: pat@example.com\r\n"));
}

BOOST_FIXTURE_TEST_CASE(a_message_can_be_enclosed_in_another_F22, Scripted) {
  facts.message_id = "1@mail.example.org";
  auto message = "Received: from a\r\nX-Spam: no\r\n" + std::string(kMessage);
  auto ran =
      run("require \"enclose\"; enclose :subject \"Warning\" :headers [\"x-spam\", \"to\"] "
          "\"Beware.\";",
          message);
  BOOST_REQUIRE(ran.faults.empty());
  auto text = stored(ran, message);
  auto header = text.substr(0, text.find("\r\n\r\n") + 2);
  // The fields that :headers names are copied, and those of the message's way.
  BOOST_TEST(header.starts_with(
                 "Received: from a\r\nX-Spam: no\r\nTo: lee@example.org\r\nDate: Tue, 14 Nov 2023 "
                 "22:13:20 "
                 "+0000\r\nFrom: <lee@example.org>\r\nSubject: Warning\r\nMessage-ID: "
                 "<1@mail.example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "),
             header);
  BOOST_TEST(header.find("Lunch") == std::string::npos);
  BOOST_TEST(text.find("Content-Type: message/rfc822\r\n\r\n" + message) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(text_of_parts_can_be_extracted_F22, Scripted) {
  BOOST_TEST(plan("require [\"foreverypart\",\"extracttext\",\"variables\",\"mime\",\"fileinto\"];"
                  "foreverypart { if header :mime :subtype \"content-type\" \"plain\" { "
                  "extracttext :first 4 \"a\"; fileinto \"${a}\"; break; } }",
                  kParts) == Plans{"store Caf\xc3\xa9"},
             per_element());
}

BOOST_FIXTURE_TEST_CASE(a_loop_does_not_enter_what_was_below_a_replaced_part_F22, Scripted) {
  auto text = only_copy(
      "require [\"foreverypart\",\"mime\",\"replace\",\"fileinto\"]; foreverypart { "
      "if header :mime :type \"content-type\" \"multipart\" { replace \"Gone.\"; } "
      "elsif header :mime :contains \"content-type\" \"/\" { fileinto \"part\"; } }",
      kParts);
  BOOST_TEST(text.ends_with("\r\n\r\nGone.\r\n"), text);
  BOOST_TEST(text.find("evil") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_copy_made_in_a_loop_has_the_replacements_so_far_F22, Scripted) {
  auto text = only_copy(
      "require [\"foreverypart\",\"mime\",\"replace\",\"fileinto\"]; foreverypart { if header "
      ":mime :param \"name\" :matches \"content-type\" \"*.exe\" { replace \"Removed.\"; "
      "fileinto \"Cleaned\"; stop; } }",
      kParts);
  BOOST_TEST(text.find("evil") == std::string::npos);
  BOOST_TEST(text.find("Removed.") != std::string::npos);
  BOOST_TEST(text.find("Caf=E9") != std::string::npos);
}

// RFC 5703 5.
BOOST_FIXTURE_TEST_CASE(a_replaced_message_keeps_its_subject_and_author_as_original_F22, Scripted) {
  auto ran =
      run("require [\"replace\",\"editheader\"]; replace :subject \"Gone\" :from "
          "\"lee@example.org\" \"x\"; deleteheader \"Original-From\";");
  BOOST_REQUIRE(ran.faults.empty());
  auto text = stored(ran, kMessage);
  for (const auto* field :
       {"\r\nSubject: Gone\r\n", "From: lee@example.org\r\n",
        "\r\nOriginal-Subject: Lunch at =?utf-8?q?Caf=C3=A9?=\r\n",
        "Original-From: Pat <pat+work@example.com>\r\n", "To: lee@example.org\r\n"})
    BOOST_TEST(text.find(field) != std::string::npos, field);
  BOOST_TEST(!fault("require \"replace\"; replace :mime :subject \"a\" \"b\";").empty());
}

// The example of RFC 5703 6 is a loop.
BOOST_FIXTURE_TEST_CASE(a_message_can_be_enclosed_from_within_a_loop_F22, Scripted) {
  auto ran = run(
      "require [\"foreverypart\",\"mime\",\"enclose\",\"replace\"]; foreverypart { if header :mime "
      ":param \"name\" :matches [\"content-type\",\"content-disposition\"] [\"*.com\",\"*.exe\"] { "
      "enclose :subject \"Warning\" text:\r\nBeware.\r\n.\r\n; replace \"Cut.\"; break; } }",
      kParts);
  BOOST_REQUIRE(ran.faults.empty());
  auto text = stored(ran, kParts);
  BOOST_TEST(text.find("Subject: Warning\r\n") < text.find("\r\n\r\n"));
  BOOST_TEST(text.find("\r\n\r\nBeware.\r\n") != std::string::npos);
  BOOST_TEST(text.find("Content-Type: message/rfc822\r\n\r\nFrom: pat@example.com\r\n") !=
             std::string::npos);
  BOOST_TEST(text.find("Cut.") != std::string::npos);
  BOOST_TEST(text.find("evil") == std::string::npos);
}

// RFC 5703 6: "This action does not affect messages that are forwarded via a redirect action".
BOOST_FIXTURE_TEST_CASE(a_redirected_message_is_not_enclosed_F22, Scripted) {
  auto ran =
      run("require [\"enclose\",\"copy\",\"editheader\"]; addheader \"X\" \"y\"; enclose "
          "\"Beware.\"; redirect :copy \"a@b.example\";");
  BOOST_REQUIRE(ran.plan.actions.size() == 2u);
  const auto& redirect = std::get<Redirect>(ran.plan.actions[0]);
  BOOST_TEST(redirect.edited.body == nullptr);
  BOOST_TEST(redirect.edited.header->starts_with("X: y\r\nFrom: Pat"));
  BOOST_TEST(std::get<Copy>(ran.plan.actions[1]).edited.body != nullptr);
}

// RFC 2045 6.4.
BOOST_FIXTURE_TEST_CASE(a_message_that_encloses_octets_beyond_ascii_says_so_F22, Scripted) {
  auto encoding = [&](const std::string& text) {
    auto ran = run("require \"enclose\"; enclose \"" + text + "\";");
    const auto& header = *std::get<Copy>(ran.plan.actions.at(0)).edited.header;
    return header.find("\r\nContent-Transfer-Encoding: 8bit\r\n") != std::string::npos;
  };
  BOOST_TEST(encoding("caf\xc3\xa9"));
  BOOST_TEST(!encoding("coffee"));
}

// The example of RFC 5703 4.2.
BOOST_FIXTURE_TEST_CASE(any_field_of_a_part_may_have_addresses_F22, Scripted) {
  BOOST_TEST(holds("\"mime\"", "address :mime :is :all \"content-from\" \"tim@example.com\"",
                   "Content-From: Tim <tim@example.com>\r\n\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
