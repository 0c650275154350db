#include "spool/room.hh"

namespace handoff::spool {
namespace {

bool fits(std::uint64_t demand, std::uint64_t kept, std::uint64_t free) {
  return free >= kept && demand <= free - kept;
}

}  // namespace

bool has_room(const sys::Space& space, const Reserve& reserve, const Demand& demand) {
  if (!fits(demand.octets, reserve.octets.of(space.total_octets), space.free_octets)) return false;
  // btrfs and some other filesystems create inodes on demand.
  return space.total_inodes == 0 ||
         fits(demand.files, reserve.inodes.of(space.total_inodes), space.free_inodes);
}

}  // namespace handoff::spool
