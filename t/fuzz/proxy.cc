#include <algorithm>
#include <string>

#include "lmtp/proxy_header.hh"
#include "targets.hh"

namespace handoff::fuzz {

using namespace handoff::lmtp;

void proxy(std::string_view octets) {
  // Reads like the worker: as many octets as the parser requests, if there are that many.
  std::string read;
  auto header = parse_proxy_header(read);
  while (header.wants > 0) {
    require(!header.malformed && !header.client, "a header that is complete wants more");
    require(read.size() + header.wants <= kMaxProxyHeader, "a header without an end");
    if (read.size() + header.wants > octets.size()) return;
    read += octets.substr(read.size(), header.wants);
    header = parse_proxy_header(read);
  }
  if (header.malformed) return;
  require(!read.empty(), "no octets are a header");
  bool line = read.starts_with("PROXY ");
  require(line == read.ends_with("\r\n") || !line, "a line that does not end in CRLF");
  require(!line || read.find("\r\n") == read.size() - 2, "more than a line was read");
  // Neither a shorter input nor a longer one is a complete header.
  for (std::size_t n = 0; n < read.size(); ++n) {
    require(parse_proxy_header(read.substr(0, n)).wants > 0, "the start of a header is one");
  }
  require(parse_proxy_header(read + "X").malformed, "a header with something after it");
}

}  // namespace handoff::fuzz
