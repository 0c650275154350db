// The requests of a worker to its delivery process, and the answers. Each is one message of bounded
// fields in a fixed order. Both processes are forks of the same program, so there is only one
// version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "delivery/inspection.hh"
#include "spool/destination.hh"
#include "spool/earlier_copy.hh"
#include "spool/flags.hh"
#include "sys/fd.hh"

namespace handoff::delivery {

// Each request is carried out as the owner of the mailbox.
enum class Verb : std::uint8_t {
  kChooseFolder = 1,  // find the folder of `mailbox` for `detail` that exists or may be created
  kInspect,           // report its state before a message of `size` octets
  kFindEarlier,       // search it for the message under one of the names in `earlier`
  kDeliver,           // write the message to it
  // The requests below serve the owner's Sieve scripts.
  kOpenScript,  // open the script at `path`
  kFindFolder,  // find the folder `detail` of a script; create it if `mailbox.create_folder`
  kRemove,      // remove the copy `file` of the message: another copy could not be delivered
  kWriteNote,   // write `text` to the file at `path`, for the owner
};
inline constexpr Verb kLastVerb = Verb::kWriteNote;

// More names are split into several requests.
inline constexpr std::size_t kMostEarlier = 3000;  // octets
// A note about the errors of a script is in a file with the script's name and this.
inline constexpr std::string_view kNoteSuffix = ".log";
inline constexpr std::size_t kMostNote = 3000;  // octets

struct Request {
  Verb verb = Verb::kDeliver;
  Mailbox mailbox;  // with its owner; owned_since is not sent
  std::string detail;
  // The staged message, whose file is sent too if has_message().
  std::string name;
  std::uint64_t size = 0;            // octets
  std::uint64_t content_offset = 0;  // octets
  std::string earlier;               // names, each ending in a line feed: up to kMostEarlier octets
  std::string personal;              // header fields for this recipient only, ending in CRLF
  std::string stored_as;             // spool::Staged::stored_as
  spool::Flags flags;                // kDeliver
  std::string file;                  // kRemove: a name in new/ or cur/
  std::string path;
  std::string text;

  bool has_message() const {
    return verb == Verb::kFindEarlier || verb == Verb::kDeliver || verb == Verb::kRemove;
  }
};

struct Outcome {
  std::optional<Error> error;
  // After an error: the delivery may have happened, or may still happen.
  bool uncertain = false;
  spool::Delivered delivered;               // kDeliver
  std::optional<spool::EarlierCopy> found;  // kFindEarlier
  std::string folder;                       // kChooseFolder
  bool create_folder = false;
  std::optional<Inspection> inspection;  // kInspect
  bool usable = false;                   // kFindFolder: `folder` exists or is created
  std::shared_ptr<sys::Fd> script;       // kOpenScript; a descriptor, which pack() leaves out
};

inline Outcome failed(Error error, bool uncertain = false) {
  Outcome outcome;
  outcome.error = std::move(error);
  outcome.uncertain = uncertain;
  return outcome;
}

// EMSGSIZE if a field is longer than its limit, which no legitimate field is.
Result<std::string> pack(const Request& request);
std::string pack(Outcome outcome);
// Return nothing if the octets are malformed: too few, too many, or a number or length out of
// range.
std::optional<Request> unpack_request(std::string_view octets);
std::optional<Outcome> unpack_outcome(std::string_view octets);

}  // namespace handoff::delivery
