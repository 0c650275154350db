// From a recipient to a mailbox: who exists, who does not, and when that cannot be told.
#include "recipients/resolver.hh"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "base/unicode.hh"
#include "in_child.hh"
#include "sys/account.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::recipients;

namespace {

struct Spool {
  TemporaryDirectory place;
  sys::PosixFiles files;
  sys::Fd root = files.open_root(place.path()).value();
  std::string layout = "%d/%n";
  RecipientRules options{"mx.example.net", "", "+", true};

  // "PATH", "PATH .FOLDER", "unknown", or the errno.
  std::string resolve(const std::string& local, const std::string& domain = "example.org",
                      const std::string& kind = "mailbox") {
    Ground ground{files, root, layout};
    auto lookup = make_lookup(kind, ground).value();
    auto found = Resolver(options, ground, *lookup).resolve({local, domain});
    if (!found) return std::to_string(found.error().code);
    if (!found.value()) return "unknown";
    const auto& mailbox = *found.value();
    return mailbox.path + (mailbox.folder.empty() ? "" : " ." + mailbox.folder);
  }
  std::string address(const std::string& local, const std::string& domain = "example.org") {
    Ground ground{files, root, layout};
    auto lookup = make_lookup("any", ground).value();
    return Resolver(options, ground, *lookup).resolve({local, domain}).value()->address;
  }
};

std::string number(int code) { return std::to_string(code); }

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_resolver)

BOOST_AUTO_TEST_CASE(a_recipient_exists_where_the_mailbox_does_R1) {
  Spool spool;
  spool.place.make("example.org/pat");
  BOOST_TEST(spool.resolve("pat") == "example.org/pat");
  BOOST_TEST(spool.resolve("kim") == "unknown");
  BOOST_TEST(spool.resolve("pat", "example.net") == "unknown");
}

BOOST_AUTO_TEST_CASE(all_spellings_of_an_address_beyond_ascii_meet_in_one_mailbox_X7) {
  if (!knows_unicode()) {
    BOOST_TEST(
        !to_ascii_domain("b\xc3\xbc"
                         "cher.example"));
    return;
  }
  Spool spool;
  const std::string place = "xn--bcher-kva.example/j\xc3\xb6rg";
  for (std::string domain : {"b\xc3\xbc"
                             "cher.example",
                             "B\xc3\x9c"
                             "CHER.Example",
                             "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE",
                             "bu\xcc\x88"
                             "cher.example"}) {
    for (std::string local : {"j\xc3\xb6rg", "jo\xcc\x88rg", "J\xc3\x96RG"}) {
      BOOST_TEST(spool.resolve(local, domain, "any") == place);
      BOOST_TEST(spool.address(local, domain) == "j\xc3\xb6rg@xn--bcher-kva.example");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_empty_spool_is_taken_for_one_that_is_not_mounted_R1) {
  Spool spool;
  BOOST_TEST(spool.resolve("pat") == number(ENODEV));
  spool.place.make(".handoff/staging");
  BOOST_TEST(spool.resolve("pat") == number(ENODEV));
  spool.place.make("example.net");
  BOOST_TEST(spool.resolve("pat") == "unknown");
}

BOOST_AUTO_TEST_CASE(an_empty_domain_is_taken_for_one_that_is_not_mounted_R1) {
  Spool spool;
  spool.place.make("example.net/pat");
  spool.place.make("example.org/.lost");
  BOOST_TEST(spool.resolve("pat") == number(ENODEV));
  BOOST_TEST(spool.resolve("kim", "example.net") == "unknown");
  spool.place.make("example.org/kim");
  BOOST_TEST(spool.resolve("pat") == "unknown");
}

BOOST_AUTO_TEST_CASE(what_stands_in_the_way_of_a_mailbox_is_an_error_and_not_nobody_R1) {
  Spool spool;
  spool.place.make("example.org/real");
  spool.place.write("example.org/file", "x");
  spool.place.write("file.org", "x");
  BOOST_TEST(spool.resolve("file") == number(ENOTDIR));
  BOOST_TEST(spool.resolve("pat", "file.org") == number(ENOTDIR));
}

BOOST_AUTO_TEST_CASE(a_spool_that_may_not_be_read_is_an_error_and_not_nobody_R1) {
  if (::geteuid() != 0) return;  // root alone can become somebody who may not
  Spool spool;
  spool.place.make("example.org/pat");
  auto nobody = sys::find_account("nobody", "").value();
  for (mode_t mode : {mode_t{0}, mode_t{0600}}) {
    ::chmod(spool.place.path("example.org").c_str(), mode);
    ::chmod(spool.place.path().c_str(), 0755);
    auto said = in_child([&]() -> std::string {
      if (!sys::become(nobody)) return "cannot become nobody";
      return spool.resolve("pat") + " " + spool.resolve("kim");
    });
    BOOST_TEST(said == number(EACCES) + " " + number(EACCES));
  }
}

BOOST_AUTO_TEST_CASE(links_planted_in_the_spool_are_an_error_R2) {
  Spool spool;
  TemporaryDirectory outside;
  outside.make("pat");
  spool.place.make("example.org/real");
  spool.place.link(outside.path("pat"), "example.org/pat");
  spool.place.link("real", "example.org/alias");
  spool.place.link("nowhere", "example.org/dangling");
  spool.place.link(outside.path(), "example.net");
  for (const char* local : {"pat", "alias", "dangling"}) {
    BOOST_TEST(spool.resolve(local) == number(ELOOP), local);
  }
  BOOST_TEST(spool.resolve("pat", "example.net") == number(ELOOP));
}

BOOST_AUTO_TEST_CASE(names_that_are_no_names_are_unknown_in_every_lookup_R2) {
  Spool spool;
  spool.place.make("example.org/pat/new");
  spool.place.make(".handoff/staging");
  for (const char* kind : {"mailbox", "any"}) {
    for (const std::string& local :
         {std::string(".."), std::string("."), std::string("../example.org/pat"),
          std::string("pat/new"), std::string("/"), std::string("a\0b", 3), std::string("pat\n"),
          std::string(".hidden"), std::string(300, 'x'), std::string()}) {
      BOOST_TEST(spool.resolve(local, "example.org", kind) == "unknown", local);
    }
    for (const char* domain : {"..", ".", ".handoff", "example.org/pat", "/"}) {
      BOOST_TEST(spool.resolve("staging", domain, kind) == "unknown", domain);
    }
  }
}

BOOST_AUTO_TEST_CASE(any_address_is_a_mailbox_to_be_made_where_any_is_asked_for) {
  Spool spool;
  BOOST_TEST(spool.resolve("Pat", "Example.ORG", "any") == "example.org/pat");
  Ground ground{spool.files, spool.root, spool.layout};
  auto any = make_lookup("any", ground).value();
  BOOST_TEST(any->find({"pat", "example.org"}).value().mailbox->create);
  BOOST_TEST(!any->tells());
  auto mailbox = make_lookup("mailbox", ground).value();
  BOOST_TEST(mailbox->tells());
  BOOST_TEST(!make_lookup("telepathy", ground));
}

BOOST_AUTO_TEST_CASE(a_subaddress_is_a_folder_where_there_is_one_R3) {
  Spool spool;
  spool.place.make("example.org/pat/.lists");
  spool.place.make("example.org/pat/.lists.c++");
  BOOST_TEST(spool.resolve("pat+lists") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat+lists.c++") == "example.org/pat .lists.c++");
  BOOST_TEST(spool.resolve("pat+other") == "example.org/pat");
  BOOST_TEST(spool.resolve("pat+") == "example.org/pat");
  BOOST_TEST(spool.resolve("kim+lists") == "unknown");
  BOOST_TEST(spool.resolve("+lists") == "unknown");
  spool.options.delimiter = "";
  BOOST_TEST(spool.resolve("pat+lists") == "unknown");
  spool.options.delimiter = "-";
  BOOST_TEST(spool.resolve("pat-lists") == "example.org/pat .lists");
}

BOOST_AUTO_TEST_CASE(several_delimiters_part_at_the_first_that_occurs_R3) {
  Spool spool;
  spool.place.make("example.org/pat/.lists-c");
  spool.place.make("example.org/pat/.lists");
  spool.options.delimiter = "+-";
  BOOST_TEST(spool.resolve("pat+lists-c") == "example.org/pat .lists-c");
  BOOST_TEST(spool.resolve("pat-lists") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat-none+lists") == "example.org/pat");
}

BOOST_AUTO_TEST_CASE(a_folder_is_made_where_that_is_configured_and_there_are_not_too_many_R3) {
  Spool spool;
  spool.place.make("example.org/pat");
  auto makes = [&](const std::string& local) {
    Ground ground{spool.files, spool.root, spool.layout};
    auto lookup = make_lookup("mailbox", ground).value();
    auto mailbox =
        *Resolver(spool.options, ground, *lookup).resolve({local, "example.org"}).value();
    return mailbox.folder + (mailbox.create_folder ? " made" : "");
  };
  BOOST_TEST(makes("pat+lists") == "");
  spool.options.create_folders = true;
  BOOST_TEST(makes("pat+lists") == "lists made");
  BOOST_TEST(makes("pat+R&D") == "R&-D made");
  BOOST_TEST(makes("pat+Inbox") == "");
  BOOST_TEST(makes("pat") == "");
  spool.place.make("example.org/pat/.lists");
  BOOST_TEST(makes("pat+lists") == "lists");
  for (int i = 1; i < kMostFolders; ++i) {
    spool.place.make("example.org/pat/.f" + std::to_string(i));
  }
  BOOST_TEST(makes("pat+other") == "");
  BOOST_TEST(makes("pat+f7") == "f7");
}

BOOST_AUTO_TEST_CASE(folders_beyond_ascii_are_found_in_the_encoding_that_is_configured_R3) {
  if (!knows_unicode()) return;
  Spool spool;
  spool.place.make("example.org/pat/.Entw&APw-rfe");
  BOOST_TEST(spool.resolve("pat+Entw\xc3\xbcrfe") == "example.org/pat .Entw&APw-rfe");
  spool.options.folder_encoding = FolderEncoding::kUtf8;
  BOOST_TEST(spool.resolve("pat+Entw\xc3\xbcrfe") == "example.org/pat");
  spool.place.make("example.org/pat/.Entw\xc3\xbcrfe");
  BOOST_TEST(spool.resolve("pat+Entw\xc3\xbcrfe") == "example.org/pat .Entw\xc3\xbcrfe");
}

BOOST_AUTO_TEST_CASE(a_subaddress_cannot_name_anything_but_a_folder_R2_R3) {
  Spool spool;
  TemporaryDirectory outside;
  spool.place.make("example.org/pat/new");
  spool.place.make("example.org/kim");
  spool.place.link(outside.path(), "example.org/pat/.out");
  spool.place.write("example.org/pat/.file", "");
  for (const std::string& detail :
       {std::string("."), std::string(".."), std::string("./kim"), std::string("/../kim"),
        std::string("x/new"), std::string("out"), std::string("file"), std::string("a\0b", 3),
        std::string(255, 'x'), std::string(1000, 'x')}) {
    BOOST_TEST(spool.resolve("pat+" + detail) == "example.org/pat", detail);
  }
}

BOOST_AUTO_TEST_CASE(case_and_default_domain_are_as_configured) {
  Spool spool;
  BOOST_TEST(spool.address("PAT", "EXAMPLE.org") == "pat@example.org");
  BOOST_TEST(spool.address("pat+Lists") == "pat@example.org");
  spool.options.fold = false;
  BOOST_TEST(spool.address("PAT", "EXAMPLE.org") == "PAT@example.org");
  BOOST_TEST(spool.address("PostMaster") == "postmaster@example.org");  // RFC 5321 4.5.1, S3
  BOOST_TEST(spool.address("Postmaster", "") == "postmaster@mx.example.net");
  spool.options.default_domain = "example.com";
  BOOST_TEST(spool.address("Postmaster", "") == "postmaster@example.com");
  BOOST_TEST(spool.address("pat", "") == "pat@example.com");
}

BOOST_AUTO_TEST_CASE(an_alias_of_a_domain_is_that_domain_in_any_script) {
  Spool spool;
  spool.options.domain_aliases = {{"example.com", "example.org"},
                                  {"xn--bcher-kva.example", "x.org"}};
  BOOST_TEST(spool.address("pat", "Example.COM") == "pat@example.org");
  if (knows_unicode())
    BOOST_TEST(spool.address("pat",
                             "b\xc3\xbc"
                             "cher.example") == "pat@x.org");
  BOOST_TEST(spool.address("pat", "xn--BCHER-kva.example") == "pat@x.org");
  BOOST_TEST(spool.address("pat", "sub.example.com") == "pat@sub.example.com");
}

BOOST_AUTO_TEST_CASE(a_domain_that_is_not_listed_is_not_served) {
  Spool spool;
  Ground ground{spool.files, spool.root, spool.layout};
  auto any = make_lookup("any", ground).value();
  auto serves = [&](const std::string& domain) {
    return Resolver(spool.options, ground, *any).serves({"pat", domain});
  };
  BOOST_TEST(serves("anything.example"));
  spool.options.domains = {"example.org"};
  spool.options.domain_aliases = {{"example.com", "example.org"}};
  BOOST_TEST(serves("EXAMPLE.org"));
  BOOST_TEST(serves("example.com"));
  BOOST_TEST(serves(""));  // <postmaster>
  BOOST_TEST(!serves("example.net"));
  BOOST_TEST(!serves("sub.example.org"));
}

BOOST_AUTO_TEST_SUITE_END()
