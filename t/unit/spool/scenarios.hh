// The scenarios in which a message gets from staging into mailboxes.
#pragma once

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "delivery.hh"

inline bool leaves_staging(const Call& call) {
  return call.op == Op::kLink && call.path.starts_with(".handoff/");
}

// Makes each hard link from staging to a mailbox fail with `code`.
inline std::function<int(const Call&)> no_links(int code) {
  return [code](const Call& call) { return leaves_staging(call) ? code : 0; };
}

struct Scenario {
  const char* name;
  std::vector<handoff::Mailbox> (*mailboxes)(Delivery&);
  std::string personal;
  std::function<int(const Call&)> fault;  // of the scenario itself
  bool old = false;                       // the mailboxes are old
  bool own_staging = false;               // many messages are in progress
};

inline std::vector<Scenario> scenarios() {
  auto one = [](Delivery& d) { return std::vector{d.mailbox("pat")}; };
  auto three = [](Delivery& d) {
    return std::vector{d.mailbox("pat"), d.mailbox("kim"), d.mailbox("sam")};
  };
  auto made = [](Delivery&) { return std::vector{Delivery::named("pat", true)}; };
  auto bare = [](Delivery& d) {
    d.place.make("example.org/pat");
    return std::vector{Delivery::named("pat", false)};
  };
  return {
      {"an old mailbox", one, "", {}, true},
      {"a young mailbox", one, "", {}},
      {"three mailboxes", three, "", {}, true},
      {"three mailboxes, staged apart", three, "", {}, true, true},
      {"another filesystem", one, "", no_links(EXDEV)},
      {"too many links", one, "", no_links(EMLINK), true},
      {"links forbidden", one, "", no_links(EPERM), true},
      {"personal lines", three, "Delivered-To: x\r\n", {}},
      {"a mailbox to be made", made, "", {}},
      {"a mailbox to be made elsewhere", made, "", no_links(EXDEV)},
      {"a mailbox without its directories", bare, "", {}},
  };
}
