// A spool on a real directory, and deliveries through it, with every call recorded.
#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "spool/spool.hh"
#include "sys/files.hh"
#include "temporary_directory.hh"
#include "watched_files.hh"

inline constexpr std::string_view kMessage = "a: b\r\n\r\nbody\r\n";

// A mailbox of this process's user.
class OwnMailbox final : public handoff::spool::Destination {
 public:
  explicit OwnMailbox(handoff::Mailbox mailbox) : mailbox_(std::move(mailbox)) {}
  handoff::Result<std::optional<handoff::spool::Delivered>> link(
      handoff::spool::Message& message, std::string_view personal) override {
    return message.link_into(mailbox_, personal);
  }
  handoff::Result<handoff::spool::Delivered> deliver(handoff::spool::Message& message,
                                                     std::string_view personal) override {
    return message.write_into(mailbox_, personal);
  }

 private:
  handoff::Mailbox mailbox_;
};

using Outcomes = std::vector<handoff::spool::Message::Outcome>;

// Delivers the complete `message` to each mailbox in turn; calls `settled` as each outcome is
// known.
inline Outcomes deliver_to(handoff::spool::Message& message,
                           const std::vector<handoff::Mailbox>& mailboxes,
                           std::string_view personal = "",
                           const std::function<void()>& settled = {}) {
  std::vector<OwnMailbox> destinations(mailboxes.begin(), mailboxes.end());
  std::vector<handoff::spool::Message::Delivery> deliveries;
  for (auto& destination : destinations) deliveries.push_back({&destination, personal});
  Outcomes outcomes;
  message.deliver(deliveries, {.may_wait = [] { return true; },
                               .step_done = [](handoff::sys::Steady::duration) {},
                               .settled =
                                   [&](std::size_t, const auto& outcome) {
                                     outcomes.push_back(outcome);
                                     if (settled) settled();
                                   }});
  return outcomes;
}

// Returns a message with this content that is complete and goes to these mailboxes.
inline handoff::spool::Message complete_message(handoff::spool::Spool& spool,
                                                const std::vector<handoff::Mailbox>& mailboxes,
                                                std::string_view content) {
  auto message = spool.begin(false).value();
  BOOST_REQUIRE(message.append(content).ok());
  std::vector<std::string> places;
  for (const auto& mailbox : mailboxes) places.push_back(mailbox.place());
  BOOST_REQUIRE(message.complete(places).ok());
  return message;
}

class Delivery {
 public:
  explicit Delivery(bool crlf = false) : crlf_(crlf) {}

  TemporaryDirectory place;
  handoff::sys::Files posix;
  WatchedFiles files{posix};

  // Returns a mailbox of example.org that exists, with its directories, and has not changed for an
  // hour.
  handoff::Mailbox mailbox(const std::string& user) {
    auto path = "example.org/" + user;
    for (const char* name : {"tmp", "new", "cur"}) place.make(path + "/" + name);
    std::filesystem::last_write_time(
        place.path(path), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    return named(user, false);
  }
  // Returns a mailbox of example.org that does not exist.
  static handoff::Mailbox named(const std::string& user, bool create) {
    return {"example.org/" + user, "", user + "@example.org", create};
  }

  handoff::Result<std::unique_ptr<handoff::spool::Spool>> open() {
    handoff::spool::SpoolOptions options{.path = place.path(), .host = "host", .guard = guard};
    options.writer.crlf = crlf_;
    if (own_staging) options.shared_staging = 0;
    return handoff::spool::Spool::open(files, options);
  }

  // Returns the first failure of: begin, append, complete, deliver to each mailbox. If all of them
  // succeed, the replies are read. Nothing is staged when it returns.
  handoff::Status deliver(handoff::spool::Spool& spool,
                          const std::vector<handoff::Mailbox>& mailboxes,
                          std::string_view content = kMessage, std::string_view personal = "") {
    delivered.clear();
    outcomes.clear();
    auto message = spool.begin(false);
    if (!message) return message.error();
    if (auto done = message.value().append(content); !done) return done;
    std::vector<std::string> places;
    for (const auto& mailbox : mailboxes) places.push_back(mailbox.place());
    if (auto done = message.value().complete(places); !done) return done;
    handoff::Status first;
    outcomes = deliver_to(message.value(), mailboxes, personal);
    for (const auto& outcome : outcomes) {
      if (outcome) {
        delivered.push_back(outcome.value());
      } else if (first) {
        first = outcome.error();
      }
    }
    if (!message.value().is_delivered()) return first;
    message.value().replies_written();
    message.value().replies_read();
    return first;
  }

  bool guard = false;        // recognise retries
  bool own_staging = false;  // stage as if many messages were in progress
  Outcomes outcomes;
  std::vector<handoff::spool::Delivered> delivered;  // the successful ones

  // Returns the files in staging, by their paths relative to it.
  std::set<std::string> staged() {
    std::set<std::string> out;
    std::filesystem::path staging = place.path(".handoff/staging");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(staging)) {
      if (!entry.is_directory()) out.insert(entry.path().lexically_relative(staging).string());
    }
    return out;
  }
  std::set<std::string> in_new(const std::string& user) {
    return place.names("example.org/" + user + "/new");
  }
  std::string only_message(const std::string& user) {
    auto names = in_new(user);
    BOOST_REQUIRE(names.size() == 1u);
    return place.read("example.org/" + user + "/new/" + *names.begin());
  }
  // Returns the calls made; names of messages are "X", with their size "X,S".
  std::vector<std::string> actions() {
    static const std::regex kName(R"(\d+\.M\d+P\d+Q\d+R[0-9a-f]{8}\.host)");
    static const std::regex kSize(R"(X,S=\d+)");
    std::vector<std::string> out;
    for (const auto& action : files.actions()) {
      out.push_back(std::regex_replace(std::regex_replace(action, kName, "X"), kSize, "X,S"));
    }
    return out;
  }

 private:
  bool crlf_;
};
