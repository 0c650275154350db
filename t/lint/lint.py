"""Shared by the lints: the files of the source tree, and TAP."""

import os
import subprocess
import sys

TOP = os.environ.get("TOP_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
GENERATED = {"configure", "src/config.h.in", "MANIFEST"}  # only in a tarball


def files():
    """Returns the paths, relative to TOP, of files that git tracks or would track; in a tarball,
    those in MANIFEST."""
    if os.path.exists(os.path.join(TOP, ".git")):
        out = subprocess.run(["git", "-c", f"safe.directory={TOP}", "ls-files", "-co", "-z",
                              "--exclude-standard"],
                             cwd=TOP, stdout=subprocess.PIPE, check=True).stdout
        names = out.decode().split("\0")
    elif os.path.exists(os.path.join(TOP, "MANIFEST")):
        names = read("MANIFEST").splitlines()
    else:
        skip_all("neither git nor MANIFEST says which files are the product's")
    return sorted(name for name in set(names) - GENERATED
                  if name and os.path.isfile(os.path.join(TOP, name)))


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


class Tap:
    """Prints one result for each call, and the faults to standard error."""

    def __init__(self):
        self.number = 0

    def result(self, what, faults):
        self.number += 1
        print(f"{'not ok' if faults else 'ok'} {self.number} - {what}", flush=True)
        for fault in faults:
            print("#", fault.encode(errors="replace").decode(), file=sys.stderr)

    def skip(self, what, why):
        self.number += 1
        print(f"ok {self.number} - {what} # SKIP {why}")

    def done(self):
        print(f"1..{self.number}")


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
