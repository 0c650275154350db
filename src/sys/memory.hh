// Memory that parent and children share.
#pragma once

#include <cstddef>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// Zeroed, shared with every process forked from here on.
Result<void*> map_shared(std::size_t octets);
void unmap(void* memory, std::size_t octets);

// A new file without a name, in memory where the system has such files.
Result<Fd> anonymous_file();
// From now on no process can change such a file, where the system can promise that (Linux).
Status seal(const Fd& file);
// The same file, to read alone. Linux before 6.7 maps a sealed file through no other descriptor.
Result<Fd> reopen_to_read(const Fd& file);

}  // namespace handoff::sys
