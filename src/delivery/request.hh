// What a worker may ask of the delivery process beside it, and what it hears: one message each, of
// bounded fields in a fixed order. Both ends are forks of one program, so there is one version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "delivery/look.hh"
#include "spool/commit.hh"
#include "spool/earlier_copy.hh"

namespace handoff::delivery {

// All that can be asked. Each is done as the owner of the mailbox.
enum class Verb : std::uint8_t {
  kChooseFolder = 1,  // of `mailbox`, for `detail`: which is there, or may be made?
  kLook,              // how does it stand, for a message of `size` octets?
  kFindEarlier,       // is the message there already, under one of the names in `earlier`?
  kDeliver,           // put it there
};

// More names take more than one question.
inline constexpr std::size_t kMostEarlier = 3000;  // octets

struct Request {
  Verb verb = Verb::kDeliver;
  Mailbox mailbox;  // with its owner; owned_since does not travel
  std::string detail;
  // Of the staged message, whose file comes along where has_message().
  std::string name;
  std::uint64_t size = 0;            // octets
  std::uint64_t content_offset = 0;  // octets
  std::string earlier;   // names, each with a line feed behind it: up to kMostEarlier octets
  std::string personal;  // header lines of this recipient alone, ending in CRLF

  bool has_message() const { return verb == Verb::kFindEarlier || verb == Verb::kDeliver; }
};

struct Outcome {
  std::optional<Error> error;
  // With an error: it may have been done all the same, or may yet be. Nobody knows.
  bool doubtful = false;
  spool::Delivered delivered;               // kDeliver
  std::optional<spool::EarlierCopy> found;  // kFindEarlier
  std::string folder;                       // kChooseFolder
  bool create_folder = false;
  std::optional<Look> look;  // kLook
};

inline Outcome failed(Error error, bool doubtful = false) {
  Outcome outcome;
  outcome.error = std::move(error);
  outcome.doubtful = doubtful;
  return outcome;
}

// EMSGSIZE where a field is longer than it may be, which no honest one is.
Result<std::string> pack(const Request& request);
std::string pack(Outcome outcome);
// Nothing where the octets are none: too few, too many, a number or a length out of its range.
std::optional<Request> unpack_request(std::string_view octets);
std::optional<Outcome> unpack_outcome(std::string_view octets);

}  // namespace handoff::delivery
