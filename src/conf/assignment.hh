// One value of one setting as somebody wrote it. It keeps its origin, so that a message can say
// where to look.
#pragma once

#include <string>

namespace handoff::conf {

struct Assignment {
  enum class Source { kDefault, kFile, kOption };

  std::string key;
  std::string value;
  Source source = Source::kDefault;
  std::string file = {};  // kFile
  unsigned line = 0;      // kFile, from 1

  // What an error message begins with: "/etc/handoffd.conf:12: spool.newline = unix: ".
  std::string where() const;
};

}  // namespace handoff::conf
