// From a recipient to a mailbox: existing, unknown, and undetermined recipients.
#include "recipients/resolver.hh"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "base/unicode.hh"
#include "in_child.hh"
#include "lookup_settings.hh"
#include "sys/account.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::recipients;

namespace {

struct Spool {
  TemporaryDirectory place;
  sys::Files files;
  sys::Fd root = files.open_root(place.path()).value();
  std::string layout = "%d/%n";
  RecipientRules options{"mx.example.net", "", "+", true};

  // Returns "PATH", "PATH .FOLDER", "unknown", or the errno.
  std::string resolve(const std::string& local, const std::string& domain = "example.org",
                      const std::string& kind = "mailbox") {
    LookupContext context{files, root, layout};
    auto lookup = make_lookup(lookup_settings({kind}).front(), context).value();
    auto found = Resolver(options, context, *lookup).resolve({local, domain});
    if (!found) return std::to_string(found.error().code);
    if (!found.value()) return "unknown";
    const auto& mailbox = *found.value();
    return mailbox.path + (mailbox.folder.empty() ? "" : " ." + mailbox.folder);
  }
  std::string address(const std::string& local, const std::string& domain = "example.org") {
    LookupContext context{files, root, layout};
    auto lookup = make_lookup(lookup_settings({"any"}).front(), context).value();
    return Resolver(options, context, *lookup).resolve({local, domain}).value()->address;
  }
};

std::string number(int code) { return std::to_string(code); }

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_resolver)

BOOST_AUTO_TEST_CASE(a_recipient_exists_if_the_mailbox_exists_R1) {
  Spool spool;
  spool.place.make("example.org/pat");
  BOOST_TEST(spool.resolve("pat") == "example.org/pat");
  BOOST_TEST(spool.resolve("kim") == "unknown");
  BOOST_TEST(spool.resolve("pat", "example.net") == "unknown");
}

BOOST_AUTO_TEST_CASE(all_spellings_of_a_non_ascii_address_lead_to_one_mailbox_X7) {
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

BOOST_AUTO_TEST_CASE(an_empty_spool_counts_as_not_mounted_R1) {
  Spool spool;
  BOOST_TEST(spool.resolve("pat") == number(ENODEV));
  spool.place.make(".handoff/staging");
  BOOST_TEST(spool.resolve("pat") == number(ENODEV));
  spool.place.make("example.net");
  BOOST_TEST(spool.resolve("pat") == "unknown");
}

BOOST_AUTO_TEST_CASE(an_empty_domain_counts_as_not_mounted_R1) {
  Spool spool;
  spool.place.make("example.net/pat");
  spool.place.make("example.org/.lost");
  BOOST_TEST(spool.resolve("pat") == number(ENODEV));
  BOOST_TEST(spool.resolve("kim", "example.net") == "unknown");
  spool.place.make("example.org/kim");
  BOOST_TEST(spool.resolve("pat") == "unknown");
}

BOOST_AUTO_TEST_CASE(
    an_obstacle_in_the_path_of_a_mailbox_is_an_error_and_not_an_unknown_recipient_R1) {
  Spool spool;
  spool.place.make("example.org/real");
  spool.place.write("example.org/file", "x");
  spool.place.write("file.org", "x");
  BOOST_TEST(spool.resolve("file") == number(ENOTDIR));
  BOOST_TEST(spool.resolve("pat", "file.org") == number(ENOTDIR));
}

BOOST_AUTO_TEST_CASE(an_unreadable_spool_is_an_error_and_not_an_unknown_recipient_R1) {
  if (::geteuid() != 0) return;  // only root can become a user without access
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

BOOST_AUTO_TEST_CASE(invalid_names_are_unknown_in_every_lookup_R2) {
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

BOOST_AUTO_TEST_CASE(with_any_every_address_is_a_mailbox_to_create) {
  Spool spool;
  BOOST_TEST(spool.resolve("Pat", "Example.ORG", "any") == "example.org/pat");
  LookupContext context{spool.files, spool.root, spool.layout};
  auto any = make_lookup(lookup_settings({"any"}).front(), context).value();
  BOOST_TEST(any->find({"pat", "example.org"}).value().mailbox->create);
  BOOST_TEST(!any->can_verify());
  auto mailbox = make_lookup(lookup_settings({"mailbox"}).front(), context).value();
  BOOST_TEST(mailbox->can_verify());
  BOOST_TEST(!parse_lookup("telepathy").ok());
}

BOOST_AUTO_TEST_CASE(a_subaddress_is_delivered_to_its_folder_if_it_exists_R3) {
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

BOOST_AUTO_TEST_CASE(with_several_delimiters_the_first_occurrence_counts_R3) {
  Spool spool;
  spool.place.make("example.org/pat/.lists-c");
  spool.place.make("example.org/pat/.lists");
  spool.options.delimiter = "+-";
  BOOST_TEST(spool.resolve("pat+lists-c") == "example.org/pat .lists-c");
  BOOST_TEST(spool.resolve("pat-lists") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat-none+lists") == "example.org/pat");
}

BOOST_AUTO_TEST_CASE(a_folder_is_created_if_so_configured_and_not_too_many_exist_R3) {
  Spool spool;
  spool.place.make("example.org/pat");
  auto makes = [&](const std::string& local) {
    LookupContext context{spool.files, spool.root, spool.layout};
    auto lookup = make_lookup(lookup_settings({"mailbox"}).front(), context).value();
    auto mailbox =
        *Resolver(spool.options, context, *lookup).resolve({local, "example.org"}).value();
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

BOOST_AUTO_TEST_CASE(folders_beyond_ascii_are_found_in_the_configured_encoding_R3) {
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

BOOST_AUTO_TEST_CASE(a_domain_alias_is_folded_like_its_domain) {
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
  LookupContext context{spool.files, spool.root, spool.layout};
  auto any = make_lookup(lookup_settings({"any"}).front(), context).value();
  auto serves = [&](const std::string& domain) {
    return Resolver(spool.options, context, *any).serves({"pat", domain});
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

BOOST_AUTO_TEST_CASE(a_folder_is_found_in_any_case_unless_several_match_R3) {
  Spool spool;
  spool.place.make("example.org/pat/.lists");
  BOOST_TEST(spool.resolve("pat+lists") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat+Lists") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat+list") == "example.org/pat");
  spool.options.create_folders = true;
  BOOST_TEST(spool.resolve("pat+LISTS") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat+list") == "example.org/pat .list");
  spool.place.make("example.org/pat/.Lists");
  BOOST_TEST(spool.resolve("pat+Lists") == "example.org/pat .Lists");
  BOOST_TEST(spool.resolve("pat+lists") == "example.org/pat .lists");
  BOOST_TEST(spool.resolve("pat+LISTS") == "example.org/pat");
}

BOOST_AUTO_TEST_CASE(a_folder_may_be_named_in_modified_utf_7_R3) {
  Spool spool;
  spool.place.make("example.org/pat/.&A5EDkQ-");
  if (!knows_unicode()) {
    BOOST_TEST(spool.resolve("pat+&A5EDkQ-") == "example.org/pat");
    return;
  }
  BOOST_TEST(spool.resolve("pat+&A5EDkQ-") == "example.org/pat .&A5EDkQ-");
  spool.options.create_folders = true;
  BOOST_TEST(spool.resolve("kim+&A5EDkQ-", "example.org", "any") == "example.org/kim .&A5EDkQ-");
  BOOST_TEST(spool.resolve("pat+\xce\x91\xce\x91") == "example.org/pat .&A5EDkQ-");
  BOOST_TEST(spool.resolve("pat+\xce\xb1\xce\xb1") == "example.org/pat .&A5EDkQ-");
}

BOOST_AUTO_TEST_SUITE_END()
