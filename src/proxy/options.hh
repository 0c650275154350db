// How mail is passed on to other hosts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "base/network.hh"
#include "conf/config.hh"

namespace handoff::proxy {

struct Options {
  std::string hostname;                    // for LHLO
  std::vector<Network> networks = {};      // of backends
  std::vector<std::uint16_t> ports = {0};  // of backends; 0: any
  // For connecting, for each reply before the content, and for the backend to take more content.
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds delivery_timeout{
      300'000};           // from the end of the content to the last reply
  unsigned max_hops = 5;  // proxies that a message may pass

  // The same for one backend.
  std::chrono::milliseconds timeout_of(const Backend& backend) const {
    return backend.timeout ? *backend.timeout : timeout;
  }
  std::chrono::milliseconds delivery_timeout_of(const Backend& backend) const {
    return backend.timeout ? *backend.timeout : delivery_timeout;
  }
};

// Returns the options that the configuration sets.
Options options_of(const conf::Config& config);

}  // namespace handoff::proxy
