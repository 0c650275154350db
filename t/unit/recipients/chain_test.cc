// Several lookups in their order, and what is kept of what they said.
#include "recipients/chain.hh"

#include <boost/test/unit_test.hpp>

#include "recipients/backoff.hh"
#include "recipients/cache.hh"
#include "recipients/resolver.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::recipients;

namespace {

// Counts how often it is asked; says what it is told to.
class Counted final : public Lookup {
 public:
  explicit Counted(int& asked) : asked_(asked) {}
  Result<Answer> find(const Address& address) override {
    ++asked_;
    if (address.local == "down") return Error{ECONNREFUSED, "down", {}};
    if (address.local == "nobody") return Answer();
    return Answer(Mailbox{address.local, "", address.text()});
  }

 private:
  int& asked_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_chain)

BOOST_AUTO_TEST_CASE(yes_and_no_are_kept_and_errors_are_not) {
  int asked = 0;
  Cache cache(std::make_unique<Counted>(asked), std::chrono::seconds(3600));
  for (int i = 0; i < 3; ++i) BOOST_TEST(cache.find({"pat", "a"}).value().mailbox->path == "pat");
  BOOST_TEST(asked == 1);
  for (int i = 0; i < 3; ++i) BOOST_TEST(!cache.find({"nobody", "a"}).value().known());
  BOOST_TEST(asked == 2);
  for (int i = 0; i < 3; ++i) BOOST_TEST(!cache.find({"down", "a"}).ok());
  BOOST_TEST(asked == 5);
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_bounded_and_the_oldest_makes_room) {
  int asked = 0;
  Cache cache(std::make_unique<Counted>(asked), std::chrono::seconds(3600));
  const int kMost = static_cast<int>(Cache::kMost);
  for (int i = 0; i <= kMost; ++i) (void)cache.find({std::to_string(i), "a"}).ok();
  BOOST_TEST(asked == kMost + 1);
  (void)cache.find({std::to_string(kMost), "a"}).ok();
  (void)cache.find({"1", "a"}).ok();
  BOOST_TEST(asked == kMost + 1);
  (void)cache.find({"0", "a"}).ok();
  BOOST_TEST(asked == kMost + 2);
}

BOOST_AUTO_TEST_CASE(what_has_lasted_too_long_is_asked_again) {
  int asked = 0;
  Cache cache(std::make_unique<Counted>(asked), std::chrono::seconds(0));
  (void)cache.find({"pat", "a"}).ok();
  (void)cache.find({"pat", "a"}).ok();
  BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_CASE(a_server_that_failed_twice_is_left_alone_for_longer_and_longer) {
  using namespace std::chrono_literals;
  Backoff backoff;
  auto now = sys::Steady::now();
  BOOST_TEST(!backoff.holds(now));
  backoff.failed({EIO, "x", {}}, now);
  BOOST_TEST(!backoff.holds(now));
  backoff.failed({EIO, "x", {}}, now);
  BOOST_TEST(backoff.holds(now));
  BOOST_TEST(!backoff.holds(now + 1s));
  for (int i = 0; i < 100; ++i) backoff.failed({EIO, "x", {}}, now);
  BOOST_TEST(backoff.holds(now + 4s));
  BOOST_TEST(!backoff.holds(now + 5s));
  backoff.succeeded();
  BOOST_TEST(!backoff.holds(now));
}

#ifdef HAVE_CDB
namespace {

// Lookups of tables, each the content of a file.
struct Files {
  using Fold = std::function<Address(const Address&)>;
  explicit Files(const std::vector<std::string>& contents, const Fold& of_tables = fold) {
    for (const auto& content : contents) {
      auto name = std::to_string(options.lookups.size());
      place.write(name, content);
      options.lookups.push_back("file:" + place.path(name));
    }
    auto loaded = load_tables(options.lookups, of_tables);
    if (!loaded) {
      fault = loaded.error().what;
      return;
    }
    tables = loaded.value();
    options.fold = fold;
    chain = Chain::make(options, ground).value();
  }
  static Address fold(const Address& address) {
    return fold_address(address, {"mx.example", "example.org", "", true}).user;
  }
  // The mailbox's path, "unknown", or the errno.
  std::string find(const std::string& local, const std::string& domain = "example.org") {
    auto answer = chain->find({local, domain});
    if (!answer) return std::to_string(answer.error().code);
    return answer.value().mailbox ? answer.value().mailbox->name() : "unknown";
  }

  TemporaryDirectory place;
  sys::PosixFiles files;
  sys::Fd spool = files.open_root(place.path()).value();
  std::string layout = "%d/%n";
  ChainOptions options;
  Tables tables;
  Ground ground{files, spool, layout, std::chrono::seconds(1), &tables};
  std::unique_ptr<Chain> chain;
  std::string fault;  // without the folder's name
};

std::string fault_of(const std::string& content) {
  Files files({content});
  auto slash = files.fault.rfind("/0:");
  return slash == std::string::npos ? files.fault : files.fault.substr(slash + 1);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_table_has_lines_comments_and_catch_alls) {
  Files files(
      {"# people\n\npat@example.org mailbox=p\n  Kim\tmailbox=k\r\n@example.net\n"
       "lee@EXAMPLE.net mailbox=l"});
  BOOST_TEST(files.fault == "");
  BOOST_TEST(files.find("pat") == "p");
  BOOST_TEST(files.find("kim") == "k");
  BOOST_TEST(files.find("lee", "example.net") == "l");
  BOOST_TEST(files.find("who", "example.net") == "example.net/who");
  BOOST_TEST(files.find("who") == "unknown");
  BOOST_TEST(files.find("", "example.org") == "unknown");
}

BOOST_AUTO_TEST_CASE(the_first_that_knows_answers) {
  Files files({"pat mailbox=1\n", "pat mailbox=2\nkim mailbox=2\n@x.org mailbox=2", "lee@x.org"});
  BOOST_TEST(files.find("pat") == "1");
  BOOST_TEST(files.find("kim") == "2");
  BOOST_TEST(files.find("lee", "x.org") == "2");
  BOOST_TEST(files.find("who") == "unknown");
}

BOOST_AUTO_TEST_CASE(aliases_lead_to_every_lookup) {
  Files files({"info -> pat\nold@example.net -> info@example.org\n", "pat mailbox=p\n"});
  BOOST_TEST(files.find("info") == "p");
  BOOST_TEST(files.find("old", "example.net") == "p");
  std::vector<std::string> seen;
  (void)files.chain
      ->find({"info", "example.org"},
             [&](const Asked& asked) { seen.push_back(asked.lookup + " " + asked.address.local); })
      .ok();
  BOOST_TEST((seen == std::vector<std::string>{"file info", "file pat", "file pat"}));
}

BOOST_AUTO_TEST_CASE(what_an_alias_leads_to_is_folded_as_a_recipient_is) {
  // As a database gives it, which nobody has folded.
  auto as_it_is = [](const Address& address) {
    return Address{address.local, address.domain.empty() ? "example.org" : address.domain};
  };
  Files files({"info -> Pat\n", "pat mailbox=p\n"}, as_it_is);
  BOOST_TEST(files.find("info") == "p");
}

BOOST_AUTO_TEST_CASE(aliases_in_a_circle_through_several_lookups_are_an_error_R1) {
  Files files({"a -> b\n", "b -> a\n"});
  BOOST_TEST(files.find("a") == std::to_string(ELOOP));
}

BOOST_AUTO_TEST_CASE(a_table_that_cannot_be_says_the_line) {
  BOOST_TEST(fault_of("pat\nkim colour=red\n") == "0:2: no such field: colour=red");
  BOOST_TEST(fault_of("pat\n\nPAT@example.org\n") == "0:3: pat@example.org is already in line 1");
  BOOST_TEST(fault_of("# x\na -> b\nb -> c\nc -> a\n") ==
             "0:2: a@example.org: aliases lead in a circle");
  BOOST_TEST(fault_of("@x.org -> pat@x.org\n") == "0:1: @x.org: aliases lead in a circle");
  BOOST_TEST(fault_of("pat -> @x.org\n") == "0:1: -> needs an address, not a domain");
  BOOST_TEST(fault_of("@ mailbox=x\n") == "0:1: no address: @");
  BOOST_TEST(fault_of("pat uid=x\n") == "0:1: uid=x is not a uid");
}

BOOST_AUTO_TEST_CASE(a_table_that_cannot_be_read_to_its_end_is_none_R1) {
  auto loaded = load_tables({"file:/"}, Files::fold);
  BOOST_REQUIRE(!loaded.ok());
  BOOST_TEST(loaded.error().code == EISDIR);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
