// The ways to make a message and its names durable, as bare sequences of system calls: what any
// LMTP server has to do, without the LMTP. `plain` is the floor that handoffd is measured against;
// the others are candidates to lower it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace handoff::bench {

// MAILBOX/tmp; one folder of all; one of them for each process; O_TMPFILE
enum class Place { kTmp, kStaging, kOwnStaging, kUnnamed };
enum class Data { kFsync, kFdatasync, kWriteOut, kLeave };  // before the message has its names
// A name for each recipient: all by link(), and the first name unlinked at the end; or the last one
// by rename(), which saves that.
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

// One syncfs for all processes that ask for one at about the same time. Lies in memory that they
// share, made before the first is forked.
class Batch;
Batch* make_batch();

// Delivers `octets` to MAILBOX/new of each mailbox (paths below the working directory), under
// `name`, made unique by the caller. Ends the program where a call fails: a floor that did not sync
// is none.
void deliver(const Sequence& sequence, Batch& batch, const std::string& name,
             const std::vector<std::string>& mailboxes, std::string_view octets);

}  // namespace handoff::bench
