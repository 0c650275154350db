// The facts about one delivery that are known before any script runs.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace handoff::sieve {

struct Facts {
  // The envelope as it was received: "pat+list@example.org", the null sender is "<>" or empty.
  std::string from;
  std::string to;
  std::string original_to;  // before aliases; empty: the same as `to`
  std::string auth;         // AUTH= of MAIL; empty: none
  // Further addresses of this user, besides `to`. vacation answers messages to them (RFC 5230 4.5),
  // but never messages from them.
  std::vector<std::string> addresses;
  std::chrono::sys_seconds now{};
  std::chrono::minutes zone{0};  // local time minus UTC
  std::string host;              // "mail.example.org"
  std::string message_id;        // for a message that the script makes: unique, without < >
  std::string user;              // the login name of the mailbox's owner
  std::string folder = "INBOX";  // the folder that keep uses
  std::string separators = "+";  // of subaddresses
  std::string postmaster;        // sender of notifications; empty: postmaster@host
  // Where the header contains the result of a spam or virus scanner (RFC 5235).
  struct Scanner {
    enum class Type : unsigned char { kScore, kStars, kText, kScoreOrStars };
    std::string header;  // the field with the result; empty: there is no scanner
    std::string
        pattern;  // a regular expression whose group 1 is the result; empty: the whole field
    // A number, as many characters as points, or one of `words`.
    Type type = Type::kScore;
    double most = 0;          // the score that counts as certain; 0: see most_header
    std::string most_header;  // the field that contains that score, extracted with most_pattern
    std::string most_pattern;
    std::vector<std::string> words;  // the words for 0, 1, 2 ...
  };
  Scanner spam;
  Scanner virus;
};

}  // namespace handoff::sieve
