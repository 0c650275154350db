#include "proxy/options.hh"

namespace handoff::proxy {

Options options_of(const conf::Config& config) {
  return {.hostname = config.hostname,
          .networks = config.proxy.networks,
          .ports = config.proxy.ports,
          .timeout = config.proxy.timeout,
          .delivery_timeout = config.proxy.delivery_timeout};
}

}  // namespace handoff::proxy
