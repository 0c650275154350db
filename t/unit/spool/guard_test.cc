// What is taken for a retry, what is not, and what that costs (L12).
#include "spool/guard.hh"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>

#include "delivery.hh"
#include "in_child.hh"

using namespace handoff;

namespace {

constexpr std::string_view kMessage = "a: b\r\n\r\nbody\r\n";

std::vector<Mailbox> some(Delivery& delivery, int count) {
  std::vector<Mailbox> out{delivery.mailbox("pat")};
  for (int i = 1; i < count; ++i) out.push_back(delivery.mailbox("pat" + std::to_string(i)));
  return out;
}

// A first try of `message`, to pat and others: its client is gone, or is there and has not read.
void try_in_vain(Delivery& delivery, spool::Spool& spool, std::string_view message,
                 bool vanishes = true, int mailboxes = 1) {
  auto staging = spool.begin(false).value();
  auto header = "Return-Path: <>\r\nReceived: from a by b with LMTP id " +
                spool::id_of(staging.name()) + ";\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n";
  BOOST_REQUIRE(staging.append_trace(header).ok());
  BOOST_REQUIRE(staging.append(message).ok());
  std::vector<std::string> places;
  auto all = some(delivery, mailboxes);
  for (const auto& mailbox : all) places.push_back(mailbox.place());
  BOOST_REQUIRE(spool.complete(staging, places).ok());
  for (const auto& mailbox : all) BOOST_REQUIRE(spool.commit(staging, mailbox, "").ok());
  spool.replied();
  if (vanishes) BOOST_REQUIRE(spool.vanished(staging).ok());
}

bool is_retry(Delivery& delivery, spool::Spool& spool, std::string_view message) {
  BOOST_REQUIRE(delivery.deliver(spool, {delivery.mailbox("pat")}, message).ok());
  spool.replied();
  spool.confirmed();
  return delivery.delivered.front().already;
}

// Another process delivers the message and is heard to the end: whether it was known there.
std::string tried_elsewhere(Delivery& delivery) {
  return in_child([&]() -> std::string {
    auto spool = delivery.open().value();
    return is_retry(delivery, spool, kMessage) ? "known" : "new";
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_guard)

BOOST_AUTO_TEST_CASE(what_cannot_be_noted_stays_in_staging_for_the_sweep_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  {
    auto staging = spool.begin(false).value();
    BOOST_REQUIRE(staging.append(kMessage).ok());
    BOOST_REQUIRE(spool.complete(staging, {pat.place()}).ok());
    BOOST_REQUIRE(spool.commit(staging, pat, "").ok());
    spool.replied();
    delivery.files.fault = [](const Call& call) {
      return call.path.starts_with(".handoff/unread") ? ENOSPC : 0;
    };
    BOOST_TEST(spool.vanished(staging).error().code == ENOSPC);
    delivery.files.fault = {};
  }
  BOOST_TEST(delivery.place.names(".handoff/staging").size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_ends_with_another_message_is_not_that_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto spool = delivery.open().value();
  try_in_vain(delivery, spool, "Received: by elsewhere id 1;\r\n\tx\r\na: b\r\n\r\nbody\r\n");
  BOOST_TEST(!is_retry(delivery, spool, kMessage));
  BOOST_TEST(delivery.in_new("pat").size() == 2u);
  BOOST_TEST(
      is_retry(delivery, spool, "Received: by elsewhere id 1;\r\n\tx\r\na: b\r\n\r\nbody\r\n"));
}

BOOST_AUTO_TEST_CASE(a_client_that_is_there_and_has_not_read_sends_again_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto first = delivery.open().value();
  try_in_vain(delivery, first, kMessage, false);
  // Another process: each has one place in the ledger, and does not see its own.
  auto seen = in_child([&] {
    auto second = delivery.open().value();
    std::string out = is_retry(delivery, second, kMessage) ? "known, " : "new, ";
    return out + (is_retry(delivery, second, kMessage) ? "known" : "new");
  });
  BOOST_TEST(seen == "known, new");
}

BOOST_AUTO_TEST_CASE(the_same_silent_client_is_waited_for_once_not_for_each_mailbox) {
  constexpr int kMany = 20;
  Delivery delivery;
  delivery.guard = true;
  auto first = delivery.open().value();
  try_in_vain(delivery, first, kMessage, false, kMany);
  auto seen = in_child([&]() -> std::string {
    auto second = delivery.open().value();
    auto begin = std::chrono::steady_clock::now();
    if (!delivery.deliver(second, some(delivery, kMany), kMessage).ok()) return "failed";
    bool all =
        std::ranges::all_of(delivery.delivered, [](const auto& each) { return each.already; });
    bool soon = std::chrono::steady_clock::now() - begin < std::chrono::seconds(kMany * 3 / 4);
    return std::string(all ? "all known, " : "not known, ") + (soon ? "soon" : "late");
  });
  BOOST_TEST(seen == "all known, soon");
}

BOOST_AUTO_TEST_CASE(a_copy_that_cannot_be_made_sure_of_is_not_delivered_again_L12) {
  for (auto [op, code] : {std::pair(Op::kSyncDirectory, EIO), std::pair(Op::kOpenFile, EMFILE)}) {
    Delivery delivery;
    delivery.guard = true;
    auto spool = delivery.open().value();
    try_in_vain(delivery, spool, kMessage);
    delivery.files.fault = [op = op, code = code](const Call& call) {
      return call.op == op && call.path.starts_with("example.org/pat/new") ? code : 0;
    };
    auto again = delivery.deliver(spool, {delivery.mailbox("pat")}, kMessage);
    BOOST_REQUIRE(!again.ok());
    BOOST_TEST(again.error().code == code);
    spool.confirmed();
    BOOST_TEST(delivery.in_new("pat").size() == 1u);
    delivery.files.fault = {};
    BOOST_TEST(is_retry(delivery, spool, kMessage));
  }
}

BOOST_AUTO_TEST_CASE(a_mailbox_is_looked_through_once_however_many_went_unheard) {
  Delivery delivery;
  delivery.guard = true;
  auto spool = delivery.open().value();
  for (int i = 0; i < 20; ++i) {
    try_in_vain(delivery, spool, "n: " + std::to_string(i) + "\r\n\r\nbody\r\n");
  }
  delivery.files.calls.clear();
  BOOST_TEST(!is_retry(delivery, spool, kMessage));
  auto lists = std::ranges::count_if(delivery.files.calls, [](const Call& call) {
    return call.op == Op::kList && call.path.starts_with("example.org/");
  });
  BOOST_TEST(lists == 2);  // new/ and cur/
}

// The first try dies while the second waits for it.
BOOST_AUTO_TEST_CASE(a_try_that_dies_is_waited_for_no_longer_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  std::array<int, 2> ends;
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  auto child = ::fork();
  if (child == 0) {
    auto first = delivery.open().value();
    auto staging = first.begin(false).value();
    bool entered = staging.append(kMessage).ok() && first.complete(staging, {pat.place()}).ok();
    [[maybe_unused]] auto n = ::write(ends[1], entered ? "y" : "n", 1);
    ::usleep(300'000);  // so that it is waited for
    ::_exit(0);
  }
  char entered = 'n';
  BOOST_REQUIRE(::read(ends[0], &entered, 1) == 1);
  BOOST_REQUIRE(entered == 'y');
  auto spool = delivery.open().value();
  auto begun = std::chrono::steady_clock::now();
  BOOST_TEST(!is_retry(delivery, spool, kMessage));
  BOOST_TEST((std::chrono::steady_clock::now() - begun < std::chrono::seconds(20)));
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
  int status = -1;
  ::waitpid(child, &status, 0);
  for (int end : ends) ::close(end);
}

// The first try's content still comes in, from a client that has closed its end; the second, from
// another process, is over by then.
BOOST_AUTO_TEST_CASE(a_try_that_its_retry_has_overtaken_is_not_delivered_L12) {
  for (bool half_closed : {true, false}) {
    Delivery delivery;
    delivery.guard = true;
    auto pat = delivery.mailbox("pat");
    auto first = delivery.open().value();
    auto staging = first.begin(false).value();
    BOOST_REQUIRE(staging.append(kMessage).ok());
    auto seen = tried_elsewhere(delivery);
    BOOST_TEST(seen == "new");
    BOOST_REQUIRE(first.complete(staging, {pat.place()}).ok());
    if (half_closed) first.half_closed();
    auto delivered = first.commit(staging, pat, "");
    BOOST_REQUIRE(delivered.ok());
    // Who can still be told has asked for it.
    BOOST_TEST(delivered.value().already == half_closed);
    BOOST_TEST(delivery.in_new("pat").size() == (half_closed ? 1u : 2u));
  }
}

BOOST_AUTO_TEST_CASE(nor_is_one_whose_retry_was_answered_by_a_third_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  try_in_vain(delivery, spool, kMessage);
  auto staging = spool.begin(false).value();
  BOOST_REQUIRE(staging.append(kMessage).ok());
  auto seen = tried_elsewhere(delivery);
  BOOST_TEST(seen == "known");
  BOOST_REQUIRE(spool.complete(staging, {pat.place()}).ok());
  spool.half_closed();
  BOOST_TEST(spool.commit(staging, pat, "").value().already);
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_older_equal_message_is_no_retry_of_a_half_closed_client) {
  Delivery delivery;
  delivery.guard = true;
  auto spool = delivery.open().value();
  BOOST_TEST(tried_elsewhere(delivery) == "new");
  auto pat = delivery.mailbox("pat");
  auto staging = spool.begin(false).value();
  BOOST_REQUIRE(staging.append(kMessage).ok());
  BOOST_REQUIRE(spool.complete(staging, {pat.place()}).ok());
  spool.half_closed();
  BOOST_TEST(!spool.commit(staging, pat, "").value().already);
}

BOOST_AUTO_TEST_SUITE_END()
