// Memory that parent and children share.
#pragma once

#include <cstddef>

#include "base/result.hh"

namespace handoff::sys {

// Zeroed, shared with every process forked from here on.
Result<void*> map_shared(std::size_t octets);
void unmap(void* memory, std::size_t octets);

}  // namespace handoff::sys
