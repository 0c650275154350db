/* Intercepts the C library's fsync and fdatasync (LD_PRELOAD), for t0110-fsync.t: if the path of
 * the file or folder contains $SHIM_HOLD, they wait until something is written to the FIFO
 * $SHIM_FIFO; if it contains $SHIM_FAIL, they fail with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int matches(int fd, const char* variable) {
  const char* want = getenv(variable);
  char link[64], path[4096];
  ssize_t n;
  if (want == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return strstr(path, want) != NULL;
}

static int sync_with(const char* name, int fd) {
  int (*real)(int);
  char octet;
  if (matches(fd, "SHIM_HOLD")) {
    int fifo = open(getenv("SHIM_FIFO"), O_RDONLY | O_CLOEXEC);
    while (fifo >= 0 && read(fifo, &octet, 1) < 0 && errno == EINTR) {
    }
    if (fifo >= 0) close(fifo);
  }
  if (matches(fd, "SHIM_FAIL")) {
    errno = EIO;
    return -1;
  }
  *(void**)&real = dlsym(RTLD_NEXT, name);
  return real(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
