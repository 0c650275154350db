// From a detail to a folder: any input leads to a folder name or the inbox (R2, R3).
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

BOOST_AUTO_TEST_CASE(a_detail_names_a_folder_in_the_configured_encoding_R3) {
  BOOST_TEST(named("lists") == "lists");
  BOOST_TEST(named("lists.c++") == "lists.c++");
  BOOST_TEST(named("R&D") == "R&-D");
  BOOST_TEST(named("R&D", FolderEncoding::kUtf8) == "R&D");
  if (!knows_unicode()) return;
  BOOST_TEST(named("Entw\xc3\xbcrfe") == "Entw&APw-rfe");
  BOOST_TEST(named("Entw\xc3\xbcrfe", FolderEncoding::kUtf8) == "Entw\xc3\xbcrfe");
}

BOOST_AUTO_TEST_CASE(the_detail_inbox_names_no_folder_R3) {
  for (const char* detail : {"", "INBOX", "inbox", "Inbox.lists"}) {
    BOOST_TEST(named(detail) == "-", detail);
  }
}

BOOST_AUTO_TEST_CASE(
    a_detail_in_modified_utf_7_denotes_a_folder_by_its_encoded_or_literal_name_R3) {
  using Names = std::vector<std::string>;
  BOOST_TEST((folder_names("lists", FolderEncoding::kUtf7) == Names{"lists"}));
  BOOST_TEST((folder_names("R&D", FolderEncoding::kUtf7) == Names{"R&-D"}));
  // A control character stays out, however it is encoded.
  BOOST_TEST((folder_names("&AAA-", FolderEncoding::kUtf7) == Names{"&-AAA-"}));
  BOOST_TEST(folder_names("INBOX", FolderEncoding::kUtf7).empty());
  if (!knows_unicode()) return;
  BOOST_TEST((folder_names("&A5EDkQ-", FolderEncoding::kUtf7) == Names{"&-A5EDkQ-", "&A5EDkQ-"}));
  BOOST_TEST(
      (folder_names("&A5EDkQ-", FolderEncoding::kUtf8) == Names{"&A5EDkQ-", "\xce\x91\xce\x91"}));
}

// Without libidn2 nothing beyond ASCII names a folder, so the detail is taken literally.
BOOST_AUTO_TEST_CASE(without_unicode_modified_utf_7_in_a_detail_is_not_decoded_R3) {
  BOOST_TEST(folder_names("&A5EDkQ-", FolderEncoding::kUtf7).front() == "&-A5EDkQ-");
  BOOST_TEST(folder_names("&A5EDkQ-", FolderEncoding::kUtf7).size() == (knows_unicode() ? 2u : 1u));
}

BOOST_AUTO_TEST_CASE(names_that_differ_only_in_case_are_the_same_folder_R3) {
  BOOST_TEST(is_same_folder("Lists.C++", "lists.c++", FolderEncoding::kUtf7));
  BOOST_TEST(!is_same_folder("lists", "list", FolderEncoding::kUtf7));
  if (!knows_unicode()) return;
  BOOST_TEST(is_same_folder("&A5E-", "&A7E-", FolderEncoding::kUtf7));
  BOOST_TEST(is_same_folder("\xce\x91", "\xce\xb1", FolderEncoding::kUtf8));
  // The case of letters matters in the encoding.
  BOOST_TEST(!is_same_folder("&AOQ-", "&aoq-", FolderEncoding::kUtf7));
}

BOOST_AUTO_TEST_CASE(a_name_that_imap_cannot_show_is_not_a_folder_R2) {
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

BOOST_AUTO_TEST_CASE(any_detail_becomes_a_harmless_folder_name_or_none_R2) {
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
