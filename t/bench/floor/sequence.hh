// Sequences of system calls that make a message and its names durable: the work of an LMTP server
// without the protocol. `plain` is the floor for comparisons; the others are candidates for a lower
// one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace handoff::bench {

// MAILBOX/tmp; one shared folder; one folder for each process; O_TMPFILE
enum class Place { kTmp, kStaging, kOwnStaging, kUnnamed };
enum class Data { kFsync, kFdatasync, kWriteOut, kLeave };  // before the message has its names
// Each recipient gets a name: all names by link(), followed by an unlink() of the first one; or the
// last name by rename(), which needs no unlink().
enum class Publish { kLink, kRename };
enum class End { kDirectories, kLastDirectory, kFile, kFilesystem, kBatch, kNothing };

struct Sequence {
  const char* name;
  Place place;
  Data data;
  Publish publish;
  End end;
  const char* says;
};

std::span<const Sequence> sequences();
const Sequence* find_sequence(std::string_view name);

// One syncfs for all processes that request one at about the same time. It must be in shared memory
// that is created before the first fork.
class Batch;
Batch* make_batch();

// Delivers `octets` to MAILBOX/new of each mailbox (paths below the working directory), under
// `name`, made unique by the caller. Ends the program if a call fails, because a floor without sync
// is meaningless.
void deliver(const Sequence& sequence, Batch& batch, const std::string& name,
             const std::vector<std::string>& mailboxes, std::string_view octets);

}  // namespace handoff::bench
