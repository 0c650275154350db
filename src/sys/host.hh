// Identifies the host that this process runs on, for directories that several hosts may use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff::sys {

struct Host {
  std::string name;     // gethostname()
  std::string machine;  // /etc/machine-id, or empty
  std::string boot;     // the kernel's boot id, or empty
  std::string
      namespace_;  // the UTS namespace, whose host name may change while it exists; or empty

  // Whether both are the same host since the same start. A container with a host name of its own is
  // another host.
  bool is_same(const Host& other) const;
  // One line without its end, for people and for parse().
  std::string text() const;
  static std::optional<Host> parse(std::string_view line);
};

// Reads a few files. Members that the system does not have are empty.
Host this_host();

}  // namespace handoff::sys
