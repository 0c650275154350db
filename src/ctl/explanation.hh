// How one address is handled, step by step: `explain` fills it in, and these functions print it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "spool/quota.hh"

namespace handoff::ctl {

struct Explanation {
  struct Step {
    std::string lookup;   // "postgresql"
    std::string address;  // the one looked up
    std::string
        answer;  // "knows the mailbox ...", "knows nobody", "is an alias of ..."; or the error
    std::chrono::nanoseconds duration{};
  };
  struct Place {
    std::string mailbox;            // its full path
    bool exists = false;            // else it is created with the first message
    std::string filesystem;         // the directory whose filesystem it is or will be on
    std::string type;               // "ext4"; empty: unknown
    std::uint64_t free_octets = 0;  // for unprivileged users
  };

  // The other host that has the mailbox, and its answer to RCPT, which is the verdict.
  struct Asked {
    std::string host;     // "mail1.example.org:24"
    std::string address;  // that it was asked about
    std::chrono::nanoseconds duration{};
  };
  // A Sieve script that a delivery looks for, in the order in which they run.
  struct Script {
    std::string path;
    std::string state;  // "runs", "missing", or why it cannot be read
  };

  std::string given;
  std::string parsed;  // empty: not an address
  std::string folded;  // without the detail
  std::string detail;
  bool served = true;  // recipients.domains
  std::vector<Step> steps;
  std::optional<Mailbox> mailbox;
  std::string owner;  // "1001:1001", or the user that workers run as
  std::optional<Place> place;
  std::optional<Asked> backend;            // then the mailbox has no owner, place and quota here
  std::optional<spool::QuotaState> quota;  // of the mailbox as it is now
  std::vector<Script> scripts;             // empty: sieve.enabled = no
  std::string cause;                       // of a deferral
  int code = 0;         // of the reply to RCPT or, if that is positive, of the final reply
  std::string verdict;  // that reply
};

std::string as_text(const Explanation& explanation);
// One object; times in seconds, sizes in octets. Unknown values are null.
std::string as_json(const Explanation& explanation);

}  // namespace handoff::ctl
