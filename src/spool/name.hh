// Names of messages on disk: unique across processes, hosts and restarts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::spool {

// Makes names of the form 1764000000.M123456P4711Q2R1f0c9a7e.host (maildir(5) of qmail: time,
// microseconds, process, count, random; Dovecot, Courier, mutt and mbsync take the part before the
// first ':' or ',' as opaque). The part before ".host" is the message's id in log and Received:.
class NameMaker {
 public:
  // `host`: the result of gethostname. Characters that a file name cannot contain are written as in
  // maildir(5): \057 for '/', \072 for ':'.
  explicit NameMaker(std::string_view host);
  std::string next();
  const std::string& host() const { return host_; }
  // Distinguishes the names of this object from those of all others, even if process ids are
  // reused. Never 0.
  std::uint64_t maker() const { return std::uint64_t{random_} + 1; }

 private:
  std::string host_;
  std::uint32_t random_;
  std::uint64_t count_ = 0;
};

// "1764000000.M1P2Q3R4.host" -> "1764000000.M1P2Q3R4"
std::string id_of(std::string_view name);
// Returns the part of a file's name that a NameMaker has made, without size and flags:
// "1764.M1P2Q3R4.host,S=5:2,S" -> "1764.M1P2Q3R4.host".
std::string_view made_name(std::string_view file);
// Returns the name in new/: with the size in octets, so that quotas and readers need not stat the
// file.
std::string with_size(std::string_view name, std::uint64_t size);

// The maker of a name.
struct Owner {
  pid_t pid;
  std::string host;     // as in the name
  std::uint64_t maker;  // NameMaker::maker(); 0 if the name has none
};
std::optional<Owner> owner_of(std::string_view name);
// Returns whether `name` has the form of a NameMaker's name, which no other program uses.
bool is_our_name(std::string_view name);

}  // namespace handoff::spool
