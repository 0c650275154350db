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
  // `host` as gethostname says it; what a file name cannot hold is written as maildir(5) does:
  // \057 for '/', \072 for ':'.
  explicit NameMaker(std::string_view host);
  std::string next();
  const std::string& host() const { return host_; }
  // What tells this one's names from all others', whatever processes are called: never 0.
  std::uint64_t maker() const { return std::uint64_t{random_} + 1; }

 private:
  std::string host_;
  std::uint32_t random_;
  std::uint64_t count_ = 0;
};

// "1764000000.M1P2Q3R4.host" -> "1764000000.M1P2Q3R4"
std::string id_of(std::string_view name);
// The name in new/: with the size in octets, so that a quota or a reader need not look at the file.
std::string with_size(std::string_view name, std::uint64_t size);

// Who made a name.
struct Owner {
  pid_t pid;
  std::string host;     // as in the name
  std::uint64_t maker;  // NameMaker::maker(); 0 where the name has none
};
std::optional<Owner> owner_of(std::string_view name);
// Whether it has the form of a NameMaker's, which no other program's has.
bool is_our_name(std::string_view name);

}  // namespace handoff::spool
