#include "sys/process.hh"

#include <unistd.h>

#include <array>
#include <random>

namespace handoff::sys {

pid_t own_pid() { return ::getpid(); }

uid_t own_uid() { return ::geteuid(); }

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "localhost";
  return name.data();
}

std::uint32_t random_number() {
  std::random_device device;  // getentropy or /dev/urandom in both standard libraries
  return device();
}

}  // namespace handoff::sys
