// What becomes of one address, step by step, as a value: `explain` gathers it, and these print it.
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
    std::string address;  // that it was asked for
    std::string
        answer;  // "knows a mailbox", "knows nobody", "is another name of ..."; or the error
    std::chrono::nanoseconds took{};
  };
  struct Place {
    std::string mailbox;            // its whole path
    bool is_there = false;          // else it is made with the first message
    std::string filesystem;         // the directory whose filesystem it is or will be on
    std::string type;               // "ext4"; empty: the system does not tell
    std::uint64_t free_octets = 0;  // for users without privilege
  };

  std::string given;
  std::string parsed;  // empty: it is no address
  std::string folded;  // without the detail
  std::string detail;
  bool served = true;  // recipients.domains
  std::vector<Step> steps;
  std::optional<Mailbox> mailbox;
  std::string owner;  // "1001:1001", or whoever the workers run as
  std::optional<Place> place;
  std::optional<spool::Standing> quota;  // of the mailbox as it is now
  std::string place_error;               // why there is none though there is a mailbox
  int code = 0;                          // of the reply that RCPT would get
  std::string verdict;                   // the whole of it
};

std::string as_text(const Explanation& explanation);
// One object; times in seconds, sizes in octets. What is not known is null.
std::string as_json(const Explanation& explanation);

}  // namespace handoff::ctl
