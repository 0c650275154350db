"""A disk that blocks for some mailboxes until the test releases it.

    disk = SlowDisk(scratch)
    daemon = Handoffd(..., scratch=scratch, environment=disk.environment)
    disk.hold('stuck')       # blocks syncs of files and directories with this word in their path,
                             # and statvfs(2) there
    disk.let_go()

Preloads a small library in C, so it needs a C or C++ compiler.
"""
import os

import shim
import tap

_SOURCE = r'''
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
static void wait_with(int fd) {
  const char* file = getenv("SLOW_DISK");
  char link[64], path[4096], word[256];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  path[n < 0 ? 0 : n] = 0;
  for (;;) {
    FILE* in = file ? fopen(file, "r") : NULL;
    if (!in) break;
    int got = fscanf(in, "%255s", word);
    fclose(in);
    if (got != 1 || !strstr(path, word)) break;
    usleep(10000);
  }
}
int fsync(int fd) {
  wait_with(fd);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fstatvfs(int fd, struct statvfs* out) {
  wait_with(fd);
  return ((int (*)(int, struct statvfs*))dlsym(RTLD_NEXT, "fstatvfs"))(fd, out);
}
int fstatvfs64(int fd, struct statvfs64* out) {
  wait_with(fd);
  return ((int (*)(int, struct statvfs64*))dlsym(RTLD_NEXT, "fstatvfs64"))(fd, out);
}
'''


class SlowDisk:
    def __init__(self, scratch):
        self.file = os.path.join(scratch.path, "slow")
        if why := shim.missing():
            tap.skip_all(why)
        source = scratch.file("slow_disk.c", "#define _GNU_SOURCE\n" + _SOURCE)
        self.environment = shim.preload(source, scratch, SLOW_DISK=self.file)

    def hold(self, word):
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write(word)
        os.chmod(self.file + ".new", 0o644)
        os.rename(self.file + ".new", self.file)

    def let_go(self):
        os.unlink(self.file)
