// The destination of one recipient's message, as Message::deliver() sees it. A delivery has two
// steps. In the first, many destinations can share one sync. In the second, each destination works
// alone, so that a slow one does not delay the replies to the recipients before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "spool/quota.hh"

namespace handoff::spool {

class Message;

struct Delivered {
  std::string file;        // name in new/
  std::uint64_t size = 0;  // octets
  bool copied = false;     // not a hard link to the staged file
  bool already = false;    // an earlier try of the same message delivered it: nothing was written
  // The quota of the mailbox including this message, if it has limits and its usage is known.
  std::optional<QuotaState> quota = {};
  // Set for an outcome of the first step, which is valid only after the sync has succeeded, even if
  // `already` is set.
  bool awaits_sync = false;
};

class Destination {
 public:
  virtual ~Destination() = default;

  // Called for every destination before any other step: starts work that another host does while
  // this one syncs. Does not block.
  virtual void start() {}
  // Returns whether another host stores the message. A failure to sync the staged file then does
  // not affect this destination.
  virtual bool is_elsewhere() const { return false; }
  // The first step; all destinations take it before any takes the second. It creates a name that
  // the message's single sync will make durable, or starts work that another process or host
  // finishes. Returns the outcome, which is valid once that sync has succeeded; nothing if
  // deliver() does the work or waits for its result. Called only if the filesystem can sync many
  // names at once. `personal`: header fields for this recipient only, ending in CRLF. May block.
  virtual Result<std::optional<Delivered>> link(Message&, std::string_view /*personal*/) {
    return std::optional<Delivered>();
  }
  // Second step, unless the first has settled it. After success the message is durable there; after
  // an error nothing of it is visible. May block as long as the destination does.
  virtual Result<Delivered> deliver(Message& message, std::string_view personal) = 0;
};

}  // namespace handoff::spool
