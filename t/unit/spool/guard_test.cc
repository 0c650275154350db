// Which messages count as a retry, which do not, and how many calls the decision takes (L12).
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

std::vector<Mailbox> some(Delivery& delivery, int count) {
  std::vector<Mailbox> out{delivery.mailbox("pat")};
  for (int i = 1; i < count; ++i) out.push_back(delivery.mailbox("pat" + std::to_string(i)));
  return out;
}

// Returns a first try of `content`, to pat and others, whose client exists but has not read the
// replies.
spool::Message try_unread(Delivery& delivery, spool::Spool& spool, std::string_view content,
                          int mailboxes = 1) {
  auto message = spool.begin(false).value();
  auto header = "Return-Path: <>\r\nReceived: from a by b with LMTP id " + message.id() +
                ";\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n";
  BOOST_REQUIRE(message.append_trace(header).ok());
  BOOST_REQUIRE(message.append(content).ok());
  std::vector<std::string> places;
  auto all = some(delivery, mailboxes);
  for (const auto& mailbox : all) places.push_back(mailbox.place());
  BOOST_REQUIRE(message.complete(places).ok());
  for (const auto& outcome : deliver_to(message, all)) BOOST_REQUIRE(outcome.ok());
  message.replies_written();
  return message;
}

// The same, and then the client disconnects.
void try_in_vain(Delivery& delivery, spool::Spool& spool, std::string_view content) {
  auto message = try_unread(delivery, spool, content);
  BOOST_REQUIRE(message.replies_unread().ok());
}

bool is_retry(Delivery& delivery, spool::Spool& spool, std::string_view content) {
  BOOST_REQUIRE(delivery.deliver(spool, {delivery.mailbox("pat")}, content).ok());
  return delivery.delivered.front().already;
}

// Another process delivers the message, and its replies are read. Returns whether it was
// recognised.
std::string tried_elsewhere(Delivery& delivery) {
  return in_child([&]() -> std::string {
    auto spool = delivery.open().value();
    return is_retry(delivery, *spool, kMessage) ? "known" : "new";
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_guard)

BOOST_AUTO_TEST_CASE(a_message_that_cannot_be_recorded_stays_in_staging_for_the_sweep_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  {
    auto message = complete_message(*spool, {pat}, kMessage);
    BOOST_REQUIRE(deliver_to(message, {pat})[0].ok());
    message.replies_written();
    delivery.files.fault = [](const Call& call) {
      return call.path.starts_with(".handoff/unread") ? ENOSPC : 0;
    };
    BOOST_TEST(message.replies_unread().error().code == ENOSPC);
    delivery.files.fault = {};
  }
  BOOST_TEST(delivery.place.names(".handoff/staging").size() == 1u);
}

// The disk is lost in the sync that would make the name durable, and comes back with the name on
// it.
BOOST_AUTO_TEST_CASE(a_name_that_cannot_be_removed_is_found_by_a_retry_L12) {
  for (auto sync : {sys::FileSync::kFile, sys::FileSync::kNames}) {
    for (bool elsewhere : {false, true}) {
      Delivery delivery;
      delivery.guard = true;
      delivery.files.sync = sync;
      delivery.files.hide_birth = true;
      auto spool = delivery.open().value();
      auto pat = delivery.mailbox("pat");
      bool lost = false;
      delivery.files.fault = [&](const Call& call) {
        lost = lost || call.op == Op::kSyncFile ||
               (call.op == Op::kSyncDirectory && call.path == "example.org/pat/new");
        return lost ? EIO : 0;
      };
      BOOST_TEST(!delivery.deliver(*spool, {pat}).ok());
      BOOST_TEST(!spool->begin(false).ok());
      delivery.files.fault = {};
      BOOST_REQUIRE(delivery.in_new("pat").size() == 1u);
      if (elsewhere) {
        BOOST_TEST(tried_elsewhere(delivery) == "known");
      } else {
        BOOST_TEST(is_retry(delivery, *spool, kMessage));
      }
      BOOST_TEST(delivery.in_new("pat").size() == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(unread_replies_that_cannot_be_recorded_are_found_by_a_retry_L12) {
  for (bool elsewhere : {false, true}) {
    Delivery delivery;
    delivery.guard = true;
    auto spool = delivery.open().value();
    {
      auto message = try_unread(delivery, *spool, kMessage);
      delivery.files.fault = [](const Call&) { return EIO; };
      BOOST_TEST(!message.replies_unread().ok());
    }
    delivery.files.fault = {};
    if (elsewhere) {
      BOOST_TEST(tried_elsewhere(delivery) == "known");
    } else {
      BOOST_TEST(is_retry(delivery, *spool, kMessage));
    }
    BOOST_TEST(delivery.in_new("pat").size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_message_with_the_same_end_as_another_is_not_its_retry_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto spool = delivery.open().value();
  try_in_vain(delivery, *spool, "Received: by elsewhere id 1;\r\n\tx\r\na: b\r\n\r\nbody\r\n");
  BOOST_TEST(!is_retry(delivery, *spool, kMessage));
  BOOST_TEST(delivery.in_new("pat").size() == 2u);
  BOOST_TEST(
      is_retry(delivery, *spool, "Received: by elsewhere id 1;\r\n\tx\r\na: b\r\n\r\nbody\r\n"));
}

BOOST_AUTO_TEST_CASE(only_the_first_retry_after_unread_replies_is_recognised_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto first = delivery.open().value();
  auto unread = try_unread(delivery, *first, kMessage);
  // A separate process, because each process has one slot in the ledger and does not see its own
  // entry.
  auto seen = in_child([&] {
    auto second = delivery.open().value();
    std::string out = is_retry(delivery, *second, kMessage) ? "known, " : "new, ";
    return out + (is_retry(delivery, *second, kMessage) ? "known" : "new");
  });
  BOOST_TEST(seen == "known, new");
}

BOOST_AUTO_TEST_CASE(the_same_silent_client_is_waited_for_once_not_for_each_mailbox) {
  constexpr int kMany = 20;
  Delivery delivery;
  delivery.guard = true;
  auto first = delivery.open().value();
  auto unread = try_unread(delivery, *first, kMessage, kMany);
  auto seen = in_child([&]() -> std::string {
    auto second = delivery.open().value();
    auto begin = std::chrono::steady_clock::now();
    if (!delivery.deliver(*second, some(delivery, kMany), kMessage).ok()) return "failed";
    bool all =
        std::ranges::all_of(delivery.delivered, [](const auto& each) { return each.already; });
    bool soon = std::chrono::steady_clock::now() - begin < std::chrono::seconds(kMany * 3 / 4);
    return std::string(all ? "all known, " : "not known, ") + (soon ? "soon" : "late");
  });
  BOOST_TEST(seen == "all known, soon");
}

BOOST_AUTO_TEST_CASE(after_a_failed_search_for_an_earlier_copy_nothing_is_delivered_again_L12) {
  for (auto [op, code] : {std::pair(Op::kSyncDirectory, EIO), std::pair(Op::kOpenFile, EMFILE),
                          std::pair(Op::kList, ENOTCONN)}) {
    Delivery delivery;
    delivery.guard = true;
    auto spool = delivery.open().value();
    try_in_vain(delivery, *spool, kMessage);
    delivery.files.fault = [op = op, code = code](const Call& call) {
      return call.op == op && call.path.starts_with("example.org/pat/new") ? code : 0;
    };
    auto again = delivery.deliver(*spool, {delivery.mailbox("pat")}, kMessage);
    BOOST_REQUIRE(!again.ok());
    BOOST_TEST(again.error().code == code);
    BOOST_TEST(delivery.in_new("pat").size() == 1u);
    delivery.files.fault = {};
    BOOST_TEST(is_retry(delivery, *spool, kMessage));
  }
}

BOOST_AUTO_TEST_CASE(a_mailbox_is_searched_once_for_any_number_of_unread_messages) {
  Delivery delivery;
  delivery.guard = true;
  auto spool = delivery.open().value();
  for (int i = 0; i < 20; ++i) {
    try_in_vain(delivery, *spool, "n: " + std::to_string(i) + "\r\n\r\nbody\r\n");
  }
  delivery.files.calls.clear();
  BOOST_TEST(!is_retry(delivery, *spool, kMessage));
  auto lists = std::ranges::count_if(delivery.files.calls, [](const Call& call) {
    return call.op == Op::kList && call.path.starts_with("example.org/");
  });
  BOOST_TEST(lists == 2);  // new/ and cur/
}

// The first try dies while the second waits for it.
BOOST_AUTO_TEST_CASE(a_retry_stops_waiting_for_a_try_that_dies_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  std::array<int, 2> ends;
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  auto child = ::fork();
  if (child == 0) {
    auto first = delivery.open().value();
    auto message = first->begin(false).value();
    bool entered = message.append(kMessage).ok() && message.complete({pat.place()}).ok();
    [[maybe_unused]] auto n = ::write(ends[1], entered ? "y" : "n", 1);
    ::usleep(300'000);  // so that the other try waits for it
    ::_exit(0);
  }
  char entered = 'n';
  BOOST_REQUIRE(::read(ends[0], &entered, 1) == 1);
  BOOST_REQUIRE(entered == 'y');
  auto spool = delivery.open().value();
  auto begun = std::chrono::steady_clock::now();
  BOOST_TEST(!is_retry(delivery, *spool, kMessage));
  BOOST_TEST((std::chrono::steady_clock::now() - begun < std::chrono::seconds(20)));
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
  int status = -1;
  ::waitpid(child, &status, 0);
  for (int end : ends) ::close(end);
}

// The content of the first try is still arriving, from a client that has closed its end; the second
// try, in another process, finishes first.
BOOST_AUTO_TEST_CASE(a_try_that_its_retry_has_overtaken_is_not_delivered_L12) {
  for (bool half_closed : {true, false}) {
    Delivery delivery;
    delivery.guard = true;
    auto pat = delivery.mailbox("pat");
    auto first = delivery.open().value();
    auto message = first->begin(false).value();
    BOOST_REQUIRE(message.append(kMessage).ok());
    auto seen = tried_elsewhere(delivery);
    BOOST_TEST(seen == "new");
    BOOST_REQUIRE(message.complete({pat.place()}).ok());
    if (half_closed) message.client_half_closed();
    auto delivered = deliver_to(message, {pat})[0];
    BOOST_REQUIRE(delivered.ok());
    // A client that is still connected has sent the message again intentionally.
    BOOST_TEST(delivered.value().already == half_closed);
    BOOST_TEST(delivery.in_new("pat").size() == (half_closed ? 1u : 2u));
  }
}

BOOST_AUTO_TEST_CASE(an_abandoned_retry_is_not_delivered_after_a_later_retry_was_answered_L12) {
  Delivery delivery;
  delivery.guard = true;
  auto pat = delivery.mailbox("pat");
  auto spool = delivery.open().value();
  try_in_vain(delivery, *spool, kMessage);
  auto message = spool->begin(false).value();
  BOOST_REQUIRE(message.append(kMessage).ok());
  auto seen = tried_elsewhere(delivery);
  BOOST_TEST(seen == "known");
  BOOST_REQUIRE(message.complete({pat.place()}).ok());
  message.client_half_closed();
  BOOST_TEST(deliver_to(message, {pat})[0].value().already);
  BOOST_TEST(delivery.in_new("pat").size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_earlier_equal_message_is_not_taken_for_the_retry_of_a_half_closed_client) {
  Delivery delivery;
  delivery.guard = true;
  auto spool = delivery.open().value();
  BOOST_TEST(tried_elsewhere(delivery) == "new");
  auto pat = delivery.mailbox("pat");
  auto message = complete_message(*spool, {pat}, kMessage);
  message.client_half_closed();
  BOOST_TEST(!deliver_to(message, {pat})[0].value().already);
}

BOOST_AUTO_TEST_SUITE_END()
