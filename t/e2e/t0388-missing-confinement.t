#!/usr/bin/env python3
"""If the kernel lacks a part of confinement, the log and `handoffctl doctor` say which, and the
other parts are still in effect."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import shim
from control import ctl
from handoffd import Handoffd, is_sanitized
from lmtp import deliver
from scratch import Scratch
from tap import done, is_, ok, skip_all

PAT = "pat@good.test"
ONE = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}
# Every shim of these tests hides Landlock (t/lib/no_landlock.c). This one also hides seccomp from
# programs that ask whether the kernel supports it.
NO_SECCOMP = """
#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int prctl(int option, ...) {
  va_list list;
  va_start(list, option);
  unsigned long a[4];
  for (int i = 0; i < 4; ++i) a[i] = va_arg(list, unsigned long);
  va_end(list);
  if (option == PR_GET_SECCOMP) {
    errno = EINVAL;
    return -1;
  }
  return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}
"""

if is_sanitized():
    ok(True, "a_build_with_sanitizers_says_that_it_is_not_confined")
    done()
if why := shim.missing():
    skip_all(why)


def hold(name, source, missing, by):
    """Tests a server on a kernel that lacks part of confinement. `missing`: patterns of the log
    lines about what is missing."""
    scratch = Scratch()
    environment = shim.preload(scratch.file(f"{name}.c", source), scratch)
    with Handoffd(ONE, scratch=scratch, environment=environment) as daemon:
        daemon.mailbox(PAT)
        for part in missing:
            line = daemon.wait_for(part, 0)
            ok("warning: processes are not fully confined" in line, f"the_log_says_{name}")
        line = daemon.wait_for("process=worker", 0)
        is_(re.search(r'by=("[^"]*"|\S+)', line)[1].strip('"'), by,
            "the_log_names_the_parts_that_are_in_effect")
        is_(deliver(daemon.unix, "", [PAT], b"Subject: x\r\n\r\nx\r\n").final[PAT].code, 250,
            "mail_is_delivered")
        os.environ.update(environment)
        said = ctl(daemon, "doctor").stdout
        for variable in environment:
            del os.environ[variable]
        for part in missing:
            ok(f"confinement: {part}" in said.replace("\n", " "), f"doctor_says_{name}") \
                or print(f"# {said}")


NO_FILES = "the kernel has no Landlock"
NO_CALLS = "the kernel has no seccomp"
hold("no_landlock", "", [NO_FILES], "seccomp")
hold("neither", NO_SECCOMP, [NO_FILES, NO_CALLS], "none")
done()
