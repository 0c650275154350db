// Reads the replies of an LMTP server: ReplyParser from octets that have arrived, ReplyReader from
// a stream.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "lmtp/reply.hh"
#include "sys/stream.hh"

namespace handoff::proxy {

// Performs no I/O.
class ReplyParser {
 public:
  // Takes octets as they arrive. EPROTO: the octets are not a reply; the parser is then unusable.
  Status feed(std::string_view octets);
  // Complete replies that next() has not returned yet.
  std::size_t waiting() const { return replies_.size(); }
  // Returns the next reply, all of its lines, with the enhanced status code separated from the text
  // (RFC 2034 4). Nothing: it is not complete yet.
  std::optional<lmtp::Reply> next();

 private:
  Status take_line(std::string_view line);

  std::string input_;  // an incomplete line
  lmtp::Reply reply_;  // an incomplete reply
  std::size_t lines_ = 0;
  std::deque<lmtp::Reply> replies_;
};

class ReplyReader {
 public:
  // `stream` must outlive the object.
  explicit ReplyReader(sys::Stream& stream) : stream_(&stream) {}

  // Returns the next reply, like ReplyParser::next(). ECONNRESET: the server closed the connection;
  // ETIMEDOUT: the server sent nothing before `deadline`; EPROTO: it sent something that is not a
  // reply.
  Result<lmtp::Reply> next(sys::Deadline deadline);

 private:
  sys::Stream* stream_;
  ReplyParser parser_;
};

}  // namespace handoff::proxy
