// A new kind of lookup is a file of its own and a row in the table of kinds: all other code uses
// that row.
#include <boost/test/unit_test.hpp>

#include "conf/file.hh"
#include "conf/load.hh"
#include "delivery/authority.hh"
#include "recipients/chain.hh"
#include "recipients/kinds.hh"
#include "temporary_directory.hh"
#include "worker/lookups.hh"
#include "worker/needs.hh"

using namespace handoff;

namespace {

// The content of the new file.
class Telepathy final : public recipients::Lookup {
 public:
  explicit Telepathy(int& asked) : asked_(asked) {}
  Result<recipients::Answer> find(const Address& address) override {
    ++asked_;
    Mailbox mailbox{address.local, "", address.text()};
    mailbox.owner = MailboxOwner{1001, 1001};
    return recipients::Answer(std::move(mailbox));
  }

 private:
  int& asked_;
};

int asked = 0;

Result<std::unique_ptr<recipients::Lookup>> make_telepathy(const std::string&,
                                                           const recipients::LookupContext&) {
  return std::unique_ptr<recipients::Lookup>(std::make_unique<Telepathy>(asked));
}

// The row.
std::span<const recipients::Kind> rows() {
  static const recipients::Kind kRows[] = {{{.name = "telepathy",
                                             .syntax = "telepathy:MEDIUM",
                                             .fault = [](std::string_view medium) -> std::string {
                                               return medium.empty() ? "needs a medium" : "";
                                             },
                                             .reach = LookupKind::Reach::kServer,
                                             .owners = LookupKind::Owners::kReported,
                                             .remote = true,
                                             .aliases = "seance"},
                                            make_telepathy}};
  return kRows;
}

Result<LookupSetting> parse(std::string_view value) {
  return recipients::parse_lookup(value, rows());
}

conf::Settings load(const std::string& value) {
  return conf::combine(conf::read_text("recipients.lookup = " + value, "/h.conf"), {}, parse);
}

std::string fault(const std::string& value) {
  try {
    load(value);
  } catch (const conf::ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_lookup_kinds)

BOOST_AUTO_TEST_CASE(the_configuration_accepts_and_checks_a_new_kind_of_lookup) {
  auto config = load("telepathy:crystal").config;
  BOOST_TEST(config.recipients.lookups.front().argument == "crystal");
  BOOST_TEST(config.may_have_owners());
  BOOST_TEST(fault("telepathy") ==
             "/h.conf:1: recipients.lookup = telepathy: needs a medium, as in telepathy:MEDIUM");
  BOOST_TEST(fault("seance:x").ends_with("did you mean telepathy:MEDIUM?"));
  BOOST_TEST(fault("mailbox").ends_with("it must be telepathy"));
}

BOOST_AUTO_TEST_CASE(a_new_kind_of_lookup_is_used_and_its_answers_are_cached) {
  TemporaryDirectory place;
  sys::Files files;
  auto spool = files.open_root(place.path()).value();
  auto config = load("telepathy:crystal").config;
  recipients::LookupContext context{files, spool, config.spool.layout};
  context.known = rows;
  auto chain =
      recipients::Chain::make({config.recipients.lookups, config.recipients.cache_ttl}, context);
  BOOST_REQUIRE(chain.ok());
  asked = 0;
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(chain.value()->find({"pat", "example.org"}).value().mailbox->path == "pat");
  }
  BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(the_sandbox_and_the_delivery_process_use_the_table_row_of_a_new_kind) {
  auto config = load("telepathy:crystal").config;
  auto needs = worker::needs_of(config, true, false);
  BOOST_TEST(needs.any_path);
  BOOST_TEST(!needs.connects_inet);
  // This lookup asks a server, so it runs in a lookup process.
  BOOST_TEST(worker::needs_lookup_process(config));
  sys::Needs its;
  worker::add_lookup_needs(its, config);
  BOOST_TEST(its.connects_inet);
  BOOST_TEST(!its.accounts);
  BOOST_TEST(!its.processes);
  // Only workers ask it: the delivery process does not create such a lookup, and trusts the
  // workers.
  sys::Files files;
  BOOST_TEST(delivery::Authority::make(config, files, {}, 1000).ok());
}

BOOST_AUTO_TEST_SUITE_END()
