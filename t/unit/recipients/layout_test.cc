// From an address to a path, including hostile names (R2).
#include "recipients/layout.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::recipients;

namespace {

// Returns the path, or "-" if there is none.
std::string expand(std::string_view layout, std::string local, std::string domain) {
  return expand_layout(layout, {std::move(local), std::move(domain)}).value_or("-");
}

// "BASE|PATH", or "-".
std::string in_home(std::string_view layout, std::string_view home, std::string local = "pat") {
  auto mailbox = mailbox_by_layout(layout, {std::move(local), "example.org"}, home);
  return mailbox ? mailbox->base + "|" + mailbox->path : "-";
}

std::string by_path(std::string_view path) {
  auto mailbox = mailbox_by_path(path, {"pat", "example.org"});
  return mailbox ? mailbox->base + "|" + mailbox->path : "-";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_layout)

BOOST_AUTO_TEST_CASE(variables_are_expanded) {
  BOOST_TEST(expand("%d/%n", "pat", "example.org") == "example.org/pat");
  BOOST_TEST(expand("%u", "pat", "example.org") == "pat@example.org");
  BOOST_TEST(expand("mail/%d/%2n/%n", "pat", "example.org") == "mail/example.org/pa/pat");
  BOOST_TEST(expand("%1n/%n", "x", "example.org") == "x/x");
  BOOST_TEST(expand("%9n", "pat", "example.org") == "pat");
}

BOOST_AUTO_TEST_CASE(a_prefix_counts_characters_and_not_octets) {
  BOOST_TEST(expand("%1n/%2n/%n",
                    "\xc3\xbc\xe2\x82\xac"
                    "x",
                    "example.org") ==
             "\xc3\xbc/\xc3\xbc\xe2\x82\xac/\xc3\xbc\xe2\x82\xac"
             "x");
}

BOOST_AUTO_TEST_CASE(ordinary_names_are_valid) {
  for (const char* local : {"pat", "pat.smith", "o'brien", "a b", "x..y", "pat.", "-x", "~", "a*?",
                            "a:2,S", "gr\xc3\xbc\xc3\x9f"}) {
    BOOST_TEST(expand("%d/%n", local, "example.org") == std::string("example.org/") + local);
  }
  BOOST_TEST(expand("%d/%n", "pat", "[192.0.2.1]") == "[192.0.2.1]/pat");
}

BOOST_AUTO_TEST_CASE(a_slash_is_refused_R2) {
  for (const char* local : {"/", "a/b", "/etc", "../x", "x/..", "a/"}) {
    BOOST_TEST(expand("%d/%n", local, "example.org") == "-", local);
    BOOST_TEST(expand("%u", local, "example.org") == "-", local);
    BOOST_TEST(expand("%d/%n", "pat", local) == "-", local);
  }
}

BOOST_AUTO_TEST_CASE(a_leading_dot_is_refused_R2) {
  for (const char* local : {".", "..", "...", ".handoff", ".lists"}) {
    BOOST_TEST(expand("%d/%n", local, "example.org") == "-", local);
    BOOST_TEST(expand("%n/%d", local, "example.org") == "-", local);
    BOOST_TEST(expand("%d/%n", "pat", local) == "-", local);
    BOOST_TEST(expand("x/%2n/y", local, "example.org") == "-", local);
  }
  // A name that consists only of the first characters.
  BOOST_TEST(expand("%2n/%d", "..x", "example.org") == "-");
  // The same with a prefix from the layout.
  BOOST_TEST(expand("%d/u%n", "..", "example.org") == "example.org/u..");
}

BOOST_AUTO_TEST_CASE(nul_and_control_octets_are_refused_R2) {
  for (int c = 0; c < 256; ++c) {
    std::string local = std::string("a") + static_cast<char>(c) + "b";
    bool refused = c < 0x20 || c == 0x7f || c == '/';
    BOOST_TEST((expand("%d/%n", local, "example.org") == "-") == refused, "octet " << c);
    BOOST_TEST((expand("%d/%n", "pat", local) == "-") == refused, "octet " << c);
  }
}

BOOST_AUTO_TEST_CASE(empty_names_are_refused_R2) {
  BOOST_TEST(expand("%d/%n", "", "example.org") == "-");
  BOOST_TEST(expand("%d/%n", "pat", "") == "-");
  BOOST_TEST(expand("%0n/%d", "pat", "example.org") == "-");
  BOOST_TEST(expand("", "pat", "example.org") == "-");
  BOOST_TEST(expand("/%d/%n", "pat", "example.org") == "-");
  BOOST_TEST(expand("%d//%n", "pat", "example.org") == "-");
  BOOST_TEST(expand("%d/%n/", "pat", "example.org") == "-");
}

BOOST_AUTO_TEST_CASE(names_that_are_too_long_for_a_filesystem_are_refused_R2) {
  std::string longest(255, 'x');
  BOOST_TEST(expand("%d/%n", longest, "example.org") == "example.org/" + longest);
  BOOST_TEST(expand("%d/%n", longest + "x", "example.org") == "-");
  BOOST_TEST(expand("%u", longest, "example.org") == "-");
  BOOST_TEST(expand("%d/%n", std::string(1 << 20, 'x'), "example.org") == "-");
}

BOOST_AUTO_TEST_CASE(a_percent_sign_from_the_peer_is_not_a_variable_R2) {
  BOOST_TEST(expand("%d/%n", "%d", "example.org") == "example.org/%d");
  BOOST_TEST(expand("%n/%d", "%u", "%n") == "%u/%n");
}

BOOST_AUTO_TEST_CASE(an_invalid_layout_yields_no_path) {
  for (const char* layout : {"%", "%d/%", "%x", "%2", "%99999999999999999999"}) {
    BOOST_TEST(expand(layout, "pat", "example.org") == "-", layout);
  }
}

BOOST_AUTO_TEST_CASE(a_home_is_the_base_of_its_mailboxes) {
  BOOST_TEST(in_home("%h/Maildir", "/home/pat") == "/home/pat|Maildir");
  BOOST_TEST(in_home("%h/Maildir", "/home/pat/") == "/home/pat|Maildir");
  BOOST_TEST(in_home("%h/mail/%d/%n", "/home/pat") == "/home/pat|mail/example.org/pat");
  BOOST_TEST(in_home("%h", "/home/pat") == "/home|pat");
  BOOST_TEST(in_home("%d/%n", "/home/pat") == "|example.org/pat");
  BOOST_TEST(in_home("%d/%n", "") == "|example.org/pat");
}

BOOST_AUTO_TEST_CASE(an_invalid_home_yields_no_path_R2) {
  for (const std::string& home : {std::string(), std::string("pat"), std::string("/home/../etc"),
                                  std::string("/"), std::string("//"), std::string("/home//pat"),
                                  std::string("/./x"), std::string("/home/\0", 7)}) {
    BOOST_TEST(in_home("%h/Maildir", home) == "-", home);
    BOOST_TEST(in_home("%h", home) == "-", home);
  }
  BOOST_TEST(in_home("%h/%n", "/home/pat", "../kim") == "-");
}

BOOST_AUTO_TEST_CASE(a_lookup_can_name_the_mailbox_itself) {
  BOOST_TEST(by_path("/srv/mail/pat") == "/srv/mail|pat");
  BOOST_TEST(by_path("/srv/mail/pat/") == "/srv/mail|pat");
  BOOST_TEST(by_path("/pat") == "/|pat");
  BOOST_TEST(by_path("example.net/pat") == "|example.net/pat");
  for (const char* path : {"", "/", "..", "a/../b", "a//b", "./a", "/a/..", "/a\nb"}) {
    BOOST_TEST(by_path(path) == "-", path);
  }
}

BOOST_AUTO_TEST_SUITE_END()
