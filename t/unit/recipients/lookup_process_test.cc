// The questions of a worker to its lookup process, and the answers.
#include "recipients/lookup_process.hh"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recipients/kinds.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"

using namespace handoff;
using namespace handoff::recipients;
using namespace std::chrono_literals;

namespace {

std::string octets(const char* text, std::size_t size) { return {text, size}; }

// A lookup that knows pat, fails for kim, and crashes for max.
class Server final : public Lookup {
 public:
  Result<Answer> find(const Address&) override { return Answer(); }
  Result<std::optional<Record>> find_record(const Address& address) override {
    if (address.local == "kim") return explained(ETIMEDOUT, "no answer", "server");
    if (address.local == "max") ::raise(SIGKILL);
    if (address.local != "pat") return std::optional<Record>();
    Record record;
    record.mailbox = "people/pat";
    return std::optional(std::move(record));
  }
  bool knows_owners() const override { return true; }
};

std::span<const Kind> rows() {
  static const Kind kRows[] = {
      {{.name = "server",
        .syntax = "server",
        .fault = [](std::string_view) -> std::string { return {}; },
        .reach = LookupKind::Reach::kServer},
       [](const std::string& argument, const LookupContext&) -> Result<std::unique_ptr<Lookup>> {
         if (argument == "bad") return explained(EINVAL, "bad");
         return std::unique_ptr<Lookup>(std::make_unique<Server>());
       }}};
  return kRows;
}

// A lookup process, and a worker's end of its socket.
struct Beside {
  explicit Beside(const std::string& argument = "") : lookups{{rows().front().traits, argument}} {
    context.known = rows;
    auto pair = sys::message_pair().value();
    pid = sys::fork_process([&] {
            pair.first.reset();
            LookupProcess(lookups, context).serve(pair.second);
            return 0;
          }).value();
    pair.second.reset();
    client.emplace(std::move(pair.first));
    context.process = &*client;
  }
  ~Beside() {
    client.reset();
    sys::wait_for_end(pid);
  }

  std::vector<LookupSetting> lookups;
  sys::Files files;
  sys::Fd spool;
  std::string layout = "%d/%n";
  LookupContext context{files, spool, layout};
  std::optional<LookupClient> client;
  pid_t pid;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(recipients_lookup_process)

BOOST_AUTO_TEST_CASE(every_field_of_a_record_arrives) {
  Record record{.mailbox = "a b/c",
                .home = "/home/pat",
                .uid = 1000,
                .gid = 1001,
                .quota_octets = std::nullopt,
                .quota_messages = 7,
                .folder = "lists",
                .sieve = "own.sieve",
                .since = std::chrono::sys_seconds(std::chrono::seconds(1'000'000)),
                .host = "mail1",
                .port = 2424,
                .timeout = std::chrono::seconds(90),
                .alias = "kim@example.org"};
  auto got = unpack_found(pack(Found(std::optional(record))));
  BOOST_REQUIRE(got.ok());
  const auto& back = got.value().value();
  BOOST_TEST(back.mailbox == record.mailbox);
  BOOST_TEST(back.home == record.home);
  BOOST_TEST((back.uid == record.uid && back.gid == record.gid));
  BOOST_TEST((back.quota_octets == record.quota_octets && back.quota_messages == 7U));
  BOOST_TEST(back.folder == record.folder);
  BOOST_TEST(back.sieve == record.sieve);
  BOOST_TEST((back.since == record.since));
  BOOST_TEST(back.host == record.host);
  BOOST_TEST((back.port == record.port));
  BOOST_TEST((back.timeout == record.timeout));
  BOOST_TEST(back.alias == record.alias);
  BOOST_TEST(!unpack_found(pack(Found(std::optional<Record>()))).value().has_value());
  auto error = unpack_found(pack(Found(explained(EAGAIN, "later", "db")))).error();
  BOOST_TEST(error.code == EAGAIN);
  BOOST_TEST(error.describe() == explained(EAGAIN, "later", "db").describe());
}

// Answers as a compromised lookup process might.
BOOST_AUTO_TEST_CASE(a_malformed_answer_is_an_error) {
  for (const auto& wrong :
       {std::string(), std::string("nothing"), octets("none\0x", 6), octets("record\0mailbox", 14),
        octets("record\0mailbox=../x", 19), octets("record\0uid=-1", 13),
        octets("record\0name=x", 13), octets("record\0quota-octets=x", 21), octets("error\0", 6),
        octets("error\0000\0000\0x\0y", 14), octets("error\0005\00099\0x\0y", 15)}) {
    BOOST_TEST(!unpack_found(wrong).ok(), wrong);
  }
  BOOST_TEST(!unpack_question("").has_value());
  BOOST_TEST(!unpack_question("x").has_value());
  BOOST_TEST(!unpack_question(octets("1\0pat", 5)).has_value());
  Record large;
  large.mailbox.assign(sys::kMaxMessage, 'x');
  BOOST_TEST(unpack_found(pack(Found(std::optional(large)))).error().code == EINVAL);
}

BOOST_AUTO_TEST_CASE(a_worker_gets_the_answers_of_the_process) {
  Beside beside;
  auto lookup = make_lookup(beside.lookups, 0, beside.context);
  BOOST_REQUIRE(lookup.ok());
  BOOST_TEST(lookup.value()->knows_owners());
  auto pat = lookup.value()->find({"pat", "example.org"});
  BOOST_TEST(pat.value().mailbox->path == "people/pat");
  BOOST_TEST(!lookup.value()->find({"nobody", "example.org"}).value().known());
  BOOST_TEST(lookup.value()->find({"kim", "example.org"}).error().code == ETIMEDOUT);
  BOOST_TEST(!beside.client->is_broken());
  BOOST_TEST(!beside.client->ask({1, std::nullopt}, 1s).ok());
}

BOOST_AUTO_TEST_CASE(a_lookup_that_cannot_be_created_is_reported_to_the_worker) {
  Beside beside("bad");
  BOOST_TEST(make_lookup(beside.lookups, 0, beside.context).error().describe().ends_with("bad"));
}

BOOST_AUTO_TEST_CASE(after_the_process_dies_every_lookup_is_an_error) {
  Beside beside;
  auto lookup = make_lookup(beside.lookups, 0, beside.context);
  BOOST_TEST(lookup.value()->find({"max", "example.org"}).error().code == EPIPE);
  BOOST_TEST(beside.client->is_broken());
  BOOST_TEST(lookup.value()->find({"pat", "example.org"}).error().code == EPIPE);
}

BOOST_AUTO_TEST_CASE(a_process_that_hangs_is_an_error_at_the_deadline) {
  Beside beside;
  beside.context.timeout = 10ms;
  auto lookup = make_lookup(beside.lookups, 0, beside.context);
  sys::send_signal(beside.pid, SIGSTOP);
  auto begin = sys::Steady::now();
  BOOST_TEST(lookup.value()->find({"pat", "example.org"}).error().code == ETIMEDOUT);
  BOOST_TEST((sys::Steady::now() - begin < 10s));
  BOOST_TEST(beside.client->is_broken());
  sys::send_signal(beside.pid, SIGKILL);
}

BOOST_AUTO_TEST_SUITE_END()
