/* Replaces the C library's openat (LD_PRELOAD), for t0215-failed-reload.t: while the file
 * $SHIM_OPENS exists, the ledger of a spool can be opened once, by the process that tries the new
 * configuration; later attempts fail with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_one_too_many(const char* path) {
  const char* opens = getenv("SHIM_OPENS");
  struct stat status;
  int fd;
  int many;
  if (opens == NULL || strcmp(path, "ledger") != 0) return 0;
  fd = open(opens, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return 0;
  many = write(fd, "x", 1) != 1 || fstat(fd, &status) != 0 || status.st_size > 1;
  close(fd);
  return many;
}

static int open_by(const char* name, int at, const char* path, int flags, mode_t mode) {
  int (*real)(int, const char*, int, ...);
  if (is_one_too_many(path)) {
    errno = EIO;
    return -1;
  }
  *(void**)&real = dlsym(RTLD_NEXT, name);
  return real(at, path, flags, mode);
}

#define MODE_OF(flags, mode)         \
  va_list rest;                      \
  va_start(rest, flags);             \
  if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t); \
  va_end(rest)

int openat(int at, const char* path, int flags, ...) {
  mode_t mode = 0;
  MODE_OF(flags, mode);
  return open_by("openat", at, path, flags, mode);
}

int openat64(int at, const char* path, int flags, ...) {
  mode_t mode = 0;
  MODE_OF(flags, mode);
  return open_by("openat64", at, path, flags, mode);
}
