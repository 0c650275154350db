#!/usr/bin/env python3
"""A message takes no more processor instructions than t/perf/figures says (callgrind)."""
import os
import platform
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import perf
import shim
from scratch import Scratch
from tap import done, skip_all

# valgrind makes system calls of its own, in the process that it traces.
UNCONFINED = "int seccomp_load(void* filter) { return filter ? 0 : -1; }\n"


def executed(session, messages):
    """Returns {'instructions': number} for a session of this many messages."""
    # valgrind would open a log file as root and write it as the user of handoffd. (valgrind 3.19
    # does not support openat2 and prints a message; handoffd then opens each component of a path.)
    session.run(["env", *unconfined, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"], messages)
    with open(session.log, encoding="utf-8", errors="replace") as log:
        return {"instructions": int(re.search(r"== Collected : (\d+)", log.read())[1])}


def build():
    """Returns how handoffd was compiled."""
    with open(os.path.join(os.environ["TOP_BUILDDIR"], "compile.flags"), encoding="utf-8") as flags:
        return flags.read().split()


# The figures are valid for one kind of build only.
if platform.machine() != "x86_64":
    skip_all("the figures are x86_64's")
if "g++" not in os.path.basename(build()[0]) or "clang" in build()[0] or "-O2" not in build():
    skip_all("the figures are those of g++ -O2")
if any(flag.startswith("-fsanitize") for flag in build()):
    skip_all("the figures are those of a build without sanitizers")
if not shutil.which("valgrind"):
    skip_all("no valgrind (contrib/bootstrap --tests)")

if why := shim.missing():
    skip_all(why)
scratch = Scratch()
unconfined = [f"{name}={value}" for name, value in
              shim.preload(scratch.file("unconfined.c", UNCONFINED), scratch).items()]
for name, recipients, size in (("4-KiB", 1, 4 << 10), ("1-MiB", 1, 1 << 20),
                               ("10-recipients", 10, 4 << 10)):
    session = perf.Session(recipients, size)
    cost = perf.per_message(lambda messages, session=session: executed(session, messages))
    perf.holds(f"instructions-{name}", cost["instructions"],
               f"a_message_of_{name}_takes_no_more_instructions".replace("-", "_"))
    session.remove()
done()
