// The sockets that workers accept on.
#pragma once

#include <span>
#include <vector>

#include "base/result.hh"
#include "conf/config.hh"
#include "sys/fd.hh"
#include "sys/sockets.hh"

namespace handoff::master {

class Listeners {
 public:
  // Binds all that config.listen names, or none. May block on name resolution.
  static Result<Listeners> open(const conf::Config& config);
  Listeners(Listeners&&) = default;
  Listeners& operator=(Listeners&&) = delete;

  std::span<const sys::Fd> all() const { return fds_; }
  // Nobody can connect any more; the socket files that are still ours are removed.
  void close();

 private:
  Listeners() = default;
  std::vector<sys::Fd> fds_;
  std::vector<sys::SocketFile> files_;
};

}  // namespace handoff::master
