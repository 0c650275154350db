#include "board/snapshot.hh"

#include <cstdlib>
#include <type_traits>

#include "base/quantity.hh"
#include "base/text.hh"

namespace handoff::board {
namespace {

// Visits the members of each type, in the order of the text. `V` is const when packing.
template <class F>
void each_member(F f, auto& v, const sys::Space*) {
  f(v.free_octets, v.total_octets, v.free_inodes, v.total_inodes);
}
template <class F>
void each_member(F f, auto& v, const OutgoingMail*) {
  f(v.waiting, v.given_up, v.oldest);
}
template <class F>
void each_member(F f, auto& v, const WorkerFacts*) {
  f(v.pid, v.generation, v.departing, v.state, v.since, v.peer, v.message, v.sessions,
    v.transactions);
}
template <class F>
void each_member(F f, auto& v, const Distribution*) {
  f(v.buckets, v.sum);
}
template <class F>
void each_member(F f, auto& v, const Run<std::uint64_t>*) {
  f(v.first, v.last);
}
template <class F>
void each_member(F f, auto& v, const BackendFacts*) {
  f(v.name, v.connections, v.recipients, v.latency, v.up, v.down);
}
template <class F>
void each_member(F f, auto& v, const Totals*) {
  f(v.counters, v.replies, v.refusals, v.stages);
}
template <class F>
void each_member(F f, auto& v, const Window*) {
  f(v.seconds, v.sessions, v.recipients, v.octets, v.stages, v.deaths, v.delivery_deaths);
}
template <class F>
void each_member(F f, auto& v, const Finding*) {
  f(v.condition, v.what);
}
template <class F>
void each_member(F f, auto& v, const Failure*) {
  f(v.when, v.what, v.address);
}
template <class F>
void each_member(F f, auto& v, const Snapshot*) {
  f(v.version, v.hostname, v.state, v.condition, v.findings, v.pid, v.now, v.started, v.generation,
    v.reloads_refused, v.upgrades, v.listen, v.spool, v.spool_changes, v.space, v.outgoing,
    v.workers_max, v.by_state, v.departing, v.deaths, v.killed, v.throttles, v.throttled, v.full,
    v.workers, v.backends, v.totals, v.minute, v.recent, v.failures);
}

template <class T>
constexpr bool is_number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

// Writes numbers and texts, each preceded by its length: "3:250,".
class Packer {
 public:
  std::string take() { return std::move(out_); }

  void put(std::string_view text) {
    out_ += std::to_string(text.size()) + ":";
    out_ += text;
    out_ += ',';
  }
  template <class T>
  void put(const T& v) {
    if constexpr (std::is_floating_point_v<T>) {
      put(number_text(v, 6));
    } else if constexpr (is_number<T>) {
      put(std::to_string(static_cast<std::uint64_t>(v)));
    } else if constexpr (requires { v.has_value(); }) {
      put(v.has_value());
      if (v) put(*v);
    } else if constexpr (requires { v.size(); }) {
      put(v.size());
      for (const auto& each : v) put(each);
    } else {
      each_member([this](const auto&... member) { (this->put(member), ...); }, v,
                  static_cast<const T*>(nullptr));
    }
  }
  void put(const std::string& text) { put(std::string_view(text)); }

 private:
  std::string out_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view text) : left_(text) {}
  bool whole() const { return whole_ && left_.empty(); }

  void get(std::string& text) { text = next(); }
  template <class T>
  void get(T& v) {
    if constexpr (std::is_floating_point_v<T>) {
      v = std::strtod(std::string(next()).c_str(), nullptr);
    } else if constexpr (is_number<T>) {
      auto number = parse_number(next());
      whole_ = whole_ && number;
      v = static_cast<T>(number.value_or(0));
    } else if constexpr (requires { v.has_value(); }) {
      bool there = false;
      get(there);
      if (there) get(v.emplace());
    } else if constexpr (requires { v.size(); }) {
      std::size_t size = 0;
      get(size);
      if constexpr (requires { v.resize(size); }) {
        if (size > left_.size()) whole_ = false;
        v.resize(whole_ ? size : 0);
      } else {
        whole_ = whole_ && size == v.size();
      }
      for (auto& each : v) get(each);
    } else {
      each_member([this](auto&... member) { (this->get(member), ...); }, v,
                  static_cast<const T*>(nullptr));
    }
  }

 private:
  std::string_view next() {
    auto colon = left_.find(':');
    auto size = parse_number(left_.substr(0, colon));
    whole_ = whole_ && colon != left_.npos && size && *size < left_.size() - colon - 1;
    if (!whole_) return {};
    auto text = left_.substr(colon + 1, *size);
    left_.remove_prefix(colon + 1 + *size + 1);
    return text;
  }

  std::string_view left_;
  bool whole_ = true;
};

template <class T>
std::string pack_any(const T& value) {
  Packer packer;
  packer.put(value);
  return packer.take();
}
template <class T>
std::optional<T> unpack_any(std::string_view text) {
  T out;
  Unpacker unpacker(text);
  unpacker.get(out);
  return unpacker.whole() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::string pack(const Snapshot& snapshot) { return pack_any(snapshot); }
std::optional<Snapshot> unpack_snapshot(std::string_view text) {
  return unpack_any<Snapshot>(text);
}
std::string pack(const std::vector<BackendFacts>& backends) { return pack_any(backends); }
std::optional<std::vector<BackendFacts>> unpack_backends(std::string_view text) {
  return unpack_any<std::vector<BackendFacts>>(text);
}
std::string pack(const sys::Space& space) { return pack_any(space); }
std::optional<sys::Space> unpack_space(std::string_view text) {
  return unpack_any<sys::Space>(text);
}
std::string pack(const OutgoingMail& outgoing) { return pack_any(outgoing); }
std::optional<OutgoingMail> unpack_outgoing(std::string_view text) {
  return unpack_any<OutgoingMail>(text);
}

}  // namespace handoff::board
