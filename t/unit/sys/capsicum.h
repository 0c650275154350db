// Replaces FreeBSD's <sys/capsicum.h> in sandbox_freebsd_test.cc: the declarations that it uses.
#pragma once

#include <cstdint>

struct cap_rights_t {
  std::uint64_t rights;
};

#define CAP_ACCEPT 0x001ULL
#define CAP_EVENT 0x002ULL
#define CAP_FCNTL 0x004ULL
#define CAP_FSTAT 0x008ULL
#define CAP_GETPEERNAME 0x010ULL
#define CAP_GETSOCKNAME 0x020ULL
#define CAP_GETSOCKOPT 0x040ULL
#define CAP_IOCTL 0x080ULL
#define CAP_READ 0x100ULL
#define CAP_SETSOCKOPT 0x200ULL
#define CAP_SHUTDOWN 0x400ULL
#define CAP_WRITE 0x800ULL

cap_rights_t* rights_of(cap_rights_t* rights, ...);
#define cap_rights_init(...) rights_of(__VA_ARGS__, 0ULL)
int cap_rights_limit(int fd, const cap_rights_t* rights);
int cap_enter();
