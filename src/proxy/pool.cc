#include "proxy/pool.hh"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/endpoint.hh"
#include "sys/sockets.hh"

namespace handoff::proxy {

Pool::Pool(Options options, Connect connect)
    : options_(std::move(options)), connect_(std::move(connect)) {
  if (connect_) return;
  connect_ = [this](const Backend& backend, sys::Deadline deadline) {
    return dial(backend, deadline);
  };
}

Pool::~Pool() {
  for (auto& [backend, kept] : kept_) kept.connection.quit();
}

// The name of a backend may resolve to any address, so the address of the connection is checked
// before anything is sent.
Result<sys::Fd> Pool::dial(const Backend& backend, sys::Deadline deadline) const {
  Endpoint endpoint{.is_unix = false, .path = {}, .host = backend.host, .port = backend.port};
  auto socket = sys::connect_to(endpoint, deadline);
  if (!socket) return socket;
  auto ip = sys::peer_of(socket.value().get()).ip;
  bool allowed = ip && std::ranges::any_of(options_.networks, [&](const Network& network) {
                   return network.contains(*ip);
                 });
  if (allowed) return socket;
  return explained(EACCES, "the host is not in proxy.networks", backend.text());
}

Result<Pool::Taken> Pool::take(const Backend& backend, bool fresh) {
  bool allowed = std::ranges::any_of(options_.ports,
                                     [&](auto port) { return port == 0 || port == backend.port; });
  if (!allowed) {
    return explained(EACCES, "the port is not in proxy.ports", backend.text());
  }
  if (auto kept = kept_.find(backend); kept != kept_.end()) {
    auto connection = std::move(kept->second.connection);
    kept_.erase(kept);
    if (!fresh && connection.is_alive()) return Taken{std::move(connection), true};
  }
  auto begun = sys::Steady::now();
  if (auto at = silent_.find(backend); at != silent_.end()) {
    if (begun < at->second.until) return at->second.error;
    silent_.erase(at);
  }
  auto deadline = begun + options_.timeout_of(backend);
  auto open = [&]() -> Result<Connection> {
    auto socket = connect_(backend, deadline);
    if (!socket) return socket.error();
    return Connection::open(std::move(socket).value(), options_.hostname, deadline);
  };
  auto opened = open();
  if (opened) {
    opened.value().count_in(record_of(backend).connected());
    return Taken{std::move(opened).value(), false};
  }
  auto error = opened.error();
  if (error.path.empty()) error.path = backend.text();
  if (error.code == ETIMEDOUT) note_silent(backend, error);
  return error;
}

void Pool::note_silent(const Backend& backend, Error error) {
  silent_[backend] = {std::move(error), sys::Steady::now() + kPause};
}

void Pool::give_back(const Backend& backend, Connection connection) {
  if (kept_.size() >= kMostKept && !kept_.contains(backend)) {
    auto oldest =
        std::ranges::min_element(kept_, {}, [](const auto& each) { return each.second.since; });
    oldest->second.connection.quit();
    kept_.erase(oldest);
  }
  kept_.insert_or_assign(backend, Kept{std::move(connection), sys::Steady::now()});
}

}  // namespace handoff::proxy
