// The extensions that a server announces in its reply to LHLO.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace handoff::proxy {

struct Capabilities {
  bool pipelining = false;
  bool size = false;                                 // RFC 1870
  bool eight_bit = false;                            // RFC 6152
  bool utf8 = false;                                 // RFC 6531
  bool chunking = false;                             // RFC 3030
  bool binary = false;                               // likewise
  bool dsn = false;                                  // RFC 3461
  bool rrvs = false;                                 // RFC 7293
  bool hops = false;                                 // XHOPS, of another handoff
  std::set<std::string, std::less<>> forwards = {};  // attributes of XFORWARD, in upper case

  // `text` is that of the reply, one keyword in each line after the first.
  static Capabilities parse(std::string_view text);
};

}  // namespace handoff::proxy
