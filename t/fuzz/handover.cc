#include "master/handover.hh"

#include "board/totals.hh"
#include "targets.hh"

namespace handoff::fuzz {

void handover(std::string_view octets) {
  using master::Handover;
  auto from = Handover::unpack(octets);
  if (!from) return;
  for (const auto& [endpoint, fd] : from->listeners) {
    require(!endpoint.text().empty(), "a listener without an address");
    require(fd >= 0, "a listener without a descriptor");
  }
  for (auto pid : from->workers) require(pid > 0, "a worker that is not a process");
  auto packed = from->pack();
  auto again = Handover::unpack(packed);
  require(again && again->pack() == packed, "a handover that changes on its way");
  if (auto totals = board::Totals::unpack(from->totals)) {
    auto text = totals->pack();
    auto same = board::Totals::unpack(text);
    require(same && same->pack() == text, "totals that change on their way");
  }
}

}  // namespace handoff::fuzz
