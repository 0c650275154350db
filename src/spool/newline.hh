// Converts line ends for the disk: CRLF becomes LF; a bare CR or LF stays.
#pragma once

#include <string>
#include <string_view>

namespace handoff::spool {

class CrlfToLf {
 public:
  // Appends the converted octets to `out`. A CR at the end of `octets` is held until the next octet
  // is known.
  void convert(std::string_view octets, std::string& out);
  // The content has ended: writes a held CR.
  void finish(std::string& out);

 private:
  bool held_ = false;
};

}  // namespace handoff::spool
