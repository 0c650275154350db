/* Intercepts calls of the C library (LD_PRELOAD). The file $SHIM_RULE has three words: a call, a
 * part of a path, and an errno. That call fails with that errno if its path contains that part.
 *
 *     write .handoff/staging 28
 *
 * If the third word is "short", half of a write is written. The file is read at each call.
 *
 * With $SHIM_OLD every file has a birth time in 1970, so no mailbox is young
 * (t0520-kill-and-cut.t). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static ssize_t path_of(int fd, char* path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  path[n < 0 ? 0 : n] = 0;
  return n;
}

/* Returns the errno with which the call must fail; 0: none; -1: a short write. */
static int rule(const char* call, int fd, const char* name) {
  static int (*real_openat)(int, const char*, int, ...);
  static ssize_t (*real_read)(int, void*, size_t);
  char text[256], want[32], part[128], how[16], path[8192];
  const char* file = getenv("SHIM_RULE");
  if (file == NULL) return 0;
  if (!real_openat) *(void**)&real_openat = dlsym(RTLD_NEXT, "openat");
  if (!real_read) *(void**)&real_read = dlsym(RTLD_NEXT, "read");
  int saved = errno;
  int in = real_openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
  if (in < 0) {
    errno = saved;
    return 0;
  }
  ssize_t n = real_read(in, text, sizeof text - 1);
  REAL(int, "close", int)(in);
  errno = saved;
  if (n <= 0) return 0;
  text[n] = 0;
  if (sscanf(text, "%31s %127s %15s", want, part, how) != 3 || strcmp(want, call) != 0) return 0;
  path_of(fd, path, sizeof path - 256);
  if (name) {
    strcat(path, "/");
    strncat(path, name, 250);
  }
  errno = saved;
  if (!strstr(path, part)) return 0;
  return strcmp(how, "short") == 0 ? -1 : atoi(how);
}

#define FAIL(call, fd, name)         \
  int code = rule(call, fd, name);   \
  if (code > 0) {                    \
    errno = code;                    \
    return -1;                       \
  }

static int open_at(const char* call, int at, const char* name, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0) {
    FAIL("create", at, name)
  } else {
    FAIL("open", at, name)
  }
  return REAL(int, call, int, const char*, int, ...)(at, name, flags, mode);
}
int openat(int at, const char* name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at("openat", at, name, flags, mode);
}
int openat64(int at, const char* name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at("openat64", at, name, flags, mode);
}
ssize_t write(int fd, const void* octets, size_t size) {
  FAIL("write", fd, NULL)
  if (code < 0 && size > 1) size /= 2;
  return REAL(ssize_t, "write", int, const void*, size_t)(fd, octets, size);
}
int fsync(int fd) {
  FAIL("fsync", fd, NULL)
  return REAL(int, "fsync", int)(fd);
}
int fdatasync(int fd) {
  FAIL("fdatasync", fd, NULL)
  return REAL(int, "fdatasync", int)(fd);
}
int sync_file_range(int fd, off64_t from, off64_t size, unsigned flags) {
  FAIL("sync_file_range", fd, NULL)
  return REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned)(fd, from, size, flags);
}
int close(int fd) {
  int code = rule("close", fd, NULL);
  int result = REAL(int, "close", int)(fd);
  if (code > 0) {
    errno = code;
    return -1;
  }
  return result;
}
int linkat(int at, const char* name, int to, const char* new_name, int flags) {
  FAIL("linkat", to, new_name)
  return REAL(int, "linkat", int, const char*, int, const char*, int)(at, name, to, new_name, flags);
}
int mkdirat(int at, const char* name, mode_t mode) {
  FAIL("mkdirat", at, name)
  return REAL(int, "mkdirat", int, const char*, mode_t)(at, name, mode);
}
#ifdef STATX_BTIME
int statx(int at, const char* name, int flags, unsigned mask, struct statx* out) {
  int result = REAL(int, "statx", int, const char*, int, unsigned, struct statx*)(at, name, flags,
                                                                                  mask, out);
  if (result == 0 && getenv("SHIM_OLD") != NULL) {
    out->stx_mask |= STATX_BTIME;
    out->stx_btime.tv_sec = 1;
  }
  return result;
}
#endif
