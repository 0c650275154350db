// Line ends on their way to the disk: CRLF becomes LF, a bare CR or LF stays what it is.
#pragma once

#include <string>
#include <string_view>

namespace handoff::spool {

class CrlfToLf {
 public:
  // Appends the converted octets to `out`. A CR that ends `octets` is held until it is known what
  // follows.
  void convert(std::string_view octets, std::string& out);
  // The content has ended: a held CR was bare.
  void finish(std::string& out);

 private:
  bool held_ = false;
};

}  // namespace handoff::spool
