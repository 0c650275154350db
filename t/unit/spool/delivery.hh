// A spool on a real directory, and one delivery through it, watched.
#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "spool/spool.hh"
#include "sys/files.hh"
#include "temporary_directory.hh"
#include "watched_files.hh"

class Delivery {
 public:
  explicit Delivery(bool crlf = false) : crlf_(crlf) {}

  TemporaryDirectory place;
  handoff::sys::PosixFiles posix;
  WatchedFiles files{posix};

  // A mailbox of example.org that is there, with its directories, and has not changed for an hour.
  handoff::Mailbox mailbox(const std::string& user) {
    auto path = "example.org/" + user;
    for (const char* name : {"tmp", "new", "cur"}) place.make(path + "/" + name);
    std::filesystem::last_write_time(
        place.path(path), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    return named(user, false);
  }
  // One that is not there.
  static handoff::Mailbox named(const std::string& user, bool create) {
    return {"example.org/" + user, "", user + "@example.org", create};
  }

  handoff::Result<handoff::spool::Spool> open() {
    handoff::spool::SpoolOptions options{place.path(), "host", crlf_, guard};
    if (crowd) options.crowd = 0;
    return handoff::spool::Spool::open(files, options);
  }

  // The first failure of: begin, append, complete, commit to each mailbox in turn. What is staged
  // is gone when it returns.
  handoff::Status deliver(handoff::spool::Spool& spool,
                          const std::vector<handoff::Mailbox>& mailboxes,
                          std::string_view message = "a: b\r\n\r\nbody\r\n",
                          std::string_view personal = "") {
    delivered.clear();
    auto staging = spool.begin(false);
    if (!staging) return staging.error();
    if (auto done = staging.value().append(message); !done) return done;
    std::vector<std::string> places;
    for (const auto& mailbox : mailboxes) places.push_back(mailbox.place());
    if (auto done = spool.complete(staging.value(), places); !done) return done;
    // As the worker does it.
    std::vector<std::optional<handoff::spool::Delivered>> linked(mailboxes.size());
    if (spool.syncs_together()) {
      for (std::size_t i = 0; i < mailboxes.size(); ++i) {
        auto done = spool.link(staging.value(), mailboxes[i], personal);
        if (!done) {
          static_cast<void>(spool.sync_links(staging.value()).ok());
          return done.error();
        }
        linked[i] = done.value();
      }
      if (auto done = spool.sync_links(staging.value()); !done) return done;
    }
    for (std::size_t i = 0; i < mailboxes.size(); ++i) {
      if (!linked[i]) {
        auto done = spool.commit(staging.value(), mailboxes[i], personal);
        if (!done) return done.error();
        linked[i] = done.value();
      }
      delivered.push_back(*linked[i]);
    }
    return {};
  }

  bool guard = false;  // against retries
  bool crowd = false;  // as if many messages were under way
  std::vector<handoff::spool::Delivered> delivered;

  // The files in staging, by their paths in there.
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
  // What was done, names of messages being "X" and with their size "X,S".
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
