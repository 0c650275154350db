// Several lookups in order, and the cache of their results.
#include "recipients/chain.hh"

#include <boost/test/unit_test.hpp>

#include "lookup_settings.hh"
#include "recipients/cache.hh"
#include "recipients/resolver.hh"
#include "recipients/server_lookup.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::recipients;

namespace {

// Counts queries and returns the configured result.
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

BOOST_AUTO_TEST_CASE(positive_and_negative_answers_are_cached_and_errors_are_not) {
  int asked = 0;
  Cache cache(std::make_unique<Counted>(asked), std::chrono::seconds(3600));
  for (int i = 0; i < 3; ++i) BOOST_TEST(cache.find({"pat", "a"}).value().mailbox->path == "pat");
  BOOST_TEST(asked == 1);
  for (int i = 0; i < 3; ++i) BOOST_TEST(!cache.find({"nobody", "a"}).value().known());
  BOOST_TEST(asked == 2);
  for (int i = 0; i < 3; ++i) BOOST_TEST(!cache.find({"down", "a"}).ok());
  BOOST_TEST(asked == 5);
}

BOOST_AUTO_TEST_CASE(the_cache_is_bounded_and_drops_the_oldest_entry) {
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

BOOST_AUTO_TEST_CASE(an_expired_result_is_queried_again) {
  int asked = 0;
  Cache cache(std::make_unique<Counted>(asked), std::chrono::seconds(0));
  (void)cache.find({"pat", "a"}).ok();
  (void)cache.find({"pat", "a"}).ok();
  BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_CASE(a_server_that_keeps_failing_is_retried_after_increasing_delays) {
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

// Lookups in tables, each given as the content of a file.
struct Files {
  using Fold = std::function<Address(const Address&)>;
  explicit Files(const std::vector<std::string>& contents, const Fold& of_tables = fold) {
    for (const auto& content : contents) {
      auto name = std::to_string(options.lookups.size());
      place.write(name, content);
      options.lookups.push_back(lookup_settings({"file:" + place.path(name)}).front());
    }
    auto loaded = load_tables(options.lookups, of_tables);
    if (!loaded) {
      fault = loaded.error().what;
      return;
    }
    tables = loaded.value();
    options.fold = fold;
    chain = Chain::make(options, context).value();
  }
  static Address fold(const Address& address) {
    return fold_address(address, {"mx.example", "example.org", "", true}).user;
  }
  // Returns the path of the mailbox, "unknown", or the errno.
  std::string find(const std::string& local, const std::string& domain = "example.org") {
    auto answer = chain->find({local, domain});
    if (!answer) return std::to_string(answer.error().code);
    return answer.value().mailbox ? answer.value().mailbox->name() : "unknown";
  }

  TemporaryDirectory place;
  sys::Files files;
  sys::Fd spool = files.open_root(place.path()).value();
  std::string layout = "%d/%n";
  ChainOptions options;
  Tables tables;
  LookupContext context{files, spool, layout, std::chrono::seconds(1), &tables};
  std::unique_ptr<Chain> chain;
  std::string fault;  // without the name of the folder
};

std::string fault_of(const std::string& content) {
  Files files({content});
  auto slash = files.fault.rfind("/0:");
  return slash == std::string::npos ? files.fault : files.fault.substr(slash + 1);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_table_may_have_comments_and_catch_all_lines) {
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

BOOST_AUTO_TEST_CASE(the_first_lookup_that_knows_the_recipient_answers) {
  Files files({"pat mailbox=1\n", "pat mailbox=2\nkim mailbox=2\n@x.org mailbox=2", "lee@x.org"});
  BOOST_TEST(files.find("pat") == "1");
  BOOST_TEST(files.find("kim") == "2");
  BOOST_TEST(files.find("lee", "x.org") == "2");
  BOOST_TEST(files.find("who") == "unknown");
}

BOOST_AUTO_TEST_CASE(the_target_of_an_alias_is_looked_up_in_every_lookup) {
  Files files({"info -> pat\nold@example.net -> info@example.org\n", "pat mailbox=p\n"});
  BOOST_TEST(files.find("info") == "p");
  BOOST_TEST(files.find("old", "example.net") == "p");
  std::vector<std::string> seen;
  (void)files.chain
      ->find({"info", "example.org"},
             [&](const LookupResult& asked) {
               seen.push_back(asked.lookup + " " + asked.address.local);
             })
      .ok();
  BOOST_TEST((seen == std::vector<std::string>{"file info", "file pat", "file pat"}));
}

BOOST_AUTO_TEST_CASE(the_target_of_an_alias_is_folded_like_a_recipient) {
  // As returned by a database, not folded.
  auto as_it_is = [](const Address& address) {
    return Address{address.local, address.domain.empty() ? "example.org" : address.domain};
  };
  Files files({"info -> Pat\n", "pat mailbox=p\n"}, as_it_is);
  BOOST_TEST(files.find("info") == "p");
}

BOOST_AUTO_TEST_CASE(a_cycle_of_aliases_through_several_lookups_is_an_error_R1) {
  Files files({"a -> b\n", "b -> a\n"});
  BOOST_TEST(files.find("a") == std::to_string(ELOOP));
}

BOOST_AUTO_TEST_CASE(the_error_about_an_invalid_table_names_the_line) {
  BOOST_TEST(fault_of("pat\nkim colour=red\n") == "0:2: no such field: colour=red");
  BOOST_TEST(fault_of("pat\n\nPAT@example.org\n") == "0:3: pat@example.org is already in line 1");
  BOOST_TEST(fault_of("# x\na -> b\nb -> c\nc -> a\n") ==
             "0:2: a@example.org: aliases form a cycle");
  BOOST_TEST(fault_of("@x.org -> pat@x.org\n") == "0:1: @x.org: aliases form a cycle");
  BOOST_TEST(fault_of("pat -> @x.org\n") == "0:1: -> needs an address, not a domain");
  BOOST_TEST(fault_of("@ mailbox=x\n") == "0:1: no address: @");
  BOOST_TEST(fault_of("pat uid=x\n") == "0:1: uid=x is not a uid");
}

BOOST_AUTO_TEST_CASE(a_table_with_a_read_error_is_not_used_R1) {
  auto loaded = load_tables(lookup_settings({"file:/"}), Files::fold);
  BOOST_REQUIRE(!loaded.ok());
  BOOST_TEST(loaded.error().code == EISDIR);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
