// Valid and invalid messages between a worker and its delivery process.
#include "delivery/request.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::delivery;

namespace {

Request sample() {
  Request request;
  request.mailbox.base = "/home/pat";
  request.mailbox.path = "Maildir";
  request.mailbox.folder = "lists";
  request.mailbox.address = "pat@example.org";
  request.mailbox.create = true;
  request.mailbox.owner = MailboxOwner{1001, 1002};
  request.mailbox.quota = {1000, std::nullopt};
  request.name = "1764000000.M1P2Q3R4.host";
  request.size = 1234;
  request.content_offset = 99;
  request.personal = "Delivered-To: pat@example.org\r\n";
  return request;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(delivery_request)

BOOST_AUTO_TEST_CASE(a_packed_request_is_unpacked_unchanged) {
  auto octets = pack(sample());
  BOOST_REQUIRE(octets.ok());
  auto again = unpack_request(octets.value());
  BOOST_REQUIRE(again.has_value());
  auto wanted = sample();
  BOOST_TEST(again->mailbox.same_place(wanted.mailbox));
  BOOST_TEST((again->mailbox.owner == wanted.mailbox.owner));
  BOOST_TEST((again->mailbox.quota == wanted.mailbox.quota));
  BOOST_TEST(again->mailbox.address == wanted.mailbox.address);
  BOOST_TEST(again->name == wanted.name);
  BOOST_TEST(again->size == wanted.size);
  BOOST_TEST(again->content_offset == wanted.content_offset);
  BOOST_TEST(again->personal == wanted.personal);

  Outcome outcome;
  outcome.delivered = {"new-file", 12, true, false, spool::QuotaState{{5, 6}, {{7, 8}}, false}};
  outcome.found = spool::EarlierCopy{"x", "cur/x,S=1"};
  auto unpacked = unpack_outcome(pack(outcome));
  BOOST_REQUIRE(unpacked.has_value());
  BOOST_TEST(unpacked->delivered.file == "new-file");
  BOOST_TEST(unpacked->delivered.quota->use->messages == 8u);
  BOOST_TEST(unpacked->found->file == "cur/x,S=1");
  BOOST_TEST(!unpacked->error.has_value());
}

BOOST_AUTO_TEST_CASE(a_damaged_request_is_rejected_or_has_bounded_fields) {
  auto octets = pack(sample()).value();
  for (std::size_t size = 0; size < octets.size(); ++size) {
    BOOST_TEST(!unpack_request(octets.substr(0, size)).has_value(), size);
  }
  BOOST_TEST(!unpack_request(octets + "x").has_value());
  for (std::size_t at = 0; at < octets.size(); ++at) {
    for (int value : {0, 1, 127, 128, 255}) {
      auto changed = octets;
      changed[at] = static_cast<char>(value);
      auto request = unpack_request(changed);
      if (!request) continue;
      bool known = request->verb >= Verb::kChooseFolder && request->verb <= kLastVerb;
      BOOST_TEST(known);
      BOOST_TEST(request->mailbox.folder.size() <= 255u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_field_that_is_too_long_is_neither_sent_nor_accepted) {
  auto request = sample();
  request.personal.assign(4000, 'x');
  BOOST_TEST(pack(request).error().code == EMSGSIZE);
  Outcome outcome;
  outcome.error = Error{EIO, std::string(5000, 'w'), std::string(5000, 'p')};
  auto unpacked = unpack_outcome(pack(outcome));
  BOOST_REQUIRE(unpacked.has_value());
  BOOST_TEST(unpacked->error->code == EIO);
  BOOST_TEST(unpacked->error->what.size() == 400u);
}

BOOST_AUTO_TEST_SUITE_END()
