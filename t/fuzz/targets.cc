#include "targets.hh"

#include <stdexcept>

namespace handoff::fuzz {

std::span<const Target> targets() {
  static constexpr Target kTable[] = {
      {"session", session},   {"path", path},     {"parameters", parameters}, {"proxy", proxy},
      {"data", data},         {"config", config}, {"answer", answer},         {"request", request},
      {"handover", handover}, {"http", http},     {"sieve", sieve},
  };
  return kTable;
}

void require(bool kept, const char* rule) {
  if (!kept) throw std::logic_error(rule);
}

}  // namespace handoff::fuzz
