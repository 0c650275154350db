// Replies of an LMTP server, one after another, as the client reads them.
#pragma once

#include <string>

#include "base/result.hh"
#include "lmtp/reply.hh"
#include "sys/stream.hh"

namespace handoff::ctl {

class ReplyReader {
 public:
  // `stream` must outlive the object.
  explicit ReplyReader(sys::Stream& stream) : stream_(&stream) {}

  // The next reply, all of its lines. Its enhanced status code is taken off the text where it has
  // one (RFC 2034 4). ECONNRESET where the server has closed, ETIMEDOUT where it keeps silent,
  // EPROTO where what it says is no reply. Blocks until `deadline` at most.
  Result<lmtp::Reply> next(sys::Deadline deadline);

 private:
  Result<std::string> line(sys::Deadline deadline);

  sys::Stream* stream_;
  std::string input_;  // read, and not yet taken
};

}  // namespace handoff::ctl
