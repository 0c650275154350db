// From a detail to a folder: whatever a peer writes there, it is a name or the inbox (R2, R3).
#include "recipients/folder.hh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "base/text.hh"
#include "base/unicode.hh"

using namespace handoff;
using namespace handoff::recipients;

namespace {

std::string named(std::string_view detail, FolderEncoding encoding = FolderEncoding::kUtf7) {
  return folder_name(detail, encoding).value_or("-");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_folder)

BOOST_AUTO_TEST_CASE(a_detail_is_a_folder_in_the_encoding_that_is_configured_R3) {
  BOOST_TEST(named("lists") == "lists");
  BOOST_TEST(named("lists.c++") == "lists.c++");
  BOOST_TEST(named("R&D") == "R&-D");
  BOOST_TEST(named("R&D", FolderEncoding::kUtf8) == "R&D");
  if (!knows_unicode()) return;
  BOOST_TEST(named("Entw\xc3\xbcrfe") == "Entw&APw-rfe");
  BOOST_TEST(named("Entw\xc3\xbcrfe", FolderEncoding::kUtf8) == "Entw\xc3\xbcrfe");
}

BOOST_AUTO_TEST_CASE(the_inbox_is_no_folder_R3) {
  for (const char* detail : {"", "INBOX", "inbox", "Inbox.lists"}) {
    BOOST_TEST(named(detail) == "-", detail);
  }
}

BOOST_AUTO_TEST_CASE(what_imap_could_not_show_is_no_folder_R2) {
  for (const std::string& detail :
       {std::string("."), std::string(".."), std::string("a..b"), std::string(".a"),
        std::string("a."), std::string("a/b"), std::string("../kim"), std::string("~root"),
        std::string("a*"), std::string("%"), std::string("a\0b", 3), std::string("a\nb"),
        std::string("\x7f"), std::string("\xff"), std::string("\xc3"), std::string(255, 'x'),
        std::string(100, '&') + std::string(100, 'x')}) {
    BOOST_TEST(named(detail) == "-", escape(detail));
  }
  BOOST_TEST(named(std::string(254, 'x')) == std::string(254, 'x'));
}

BOOST_AUTO_TEST_CASE(any_octets_make_a_plain_name_or_none_R2) {
  std::mt19937 random(6);
  static constexpr std::string_view kNasty = "./~&%*\\ INBOX\n\0\x7f\xc3\xbc-ab";
  for (int i = 0; i < 20000; ++i) {
    std::string detail;
    for (auto length = random() % 12; length > 0; --length) {
      detail += random() % 2 ? kNasty[random() % kNasty.size()] : static_cast<char>(random());
    }
    for (auto encoding : {FolderEncoding::kUtf7, FolderEncoding::kUtf8}) {
      auto name = folder_name(detail, encoding);
      if (!name) continue;
      bool plain = !name->empty() && name->size() < 255 && name->front() != '.' &&
                   name->back() != '.' && name->find('/') == name->npos &&
                   name->find('\0') == name->npos && name->find("..") == name->npos;
      BOOST_REQUIRE_MESSAGE(plain, escape(detail) << " became " << escape(*name));
      BOOST_REQUIRE(encoding == FolderEncoding::kUtf8 || all_ascii(*name));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
