"""A library that stands before the C library's calls (LD_PRELOAD), compiled from a file of C.

    environment = preload('t/e2e/fsync_shim.c', scratch, SHIM_FAIL='new/')
    daemon = Handoffd(..., scratch=scratch, environment=environment)
"""
import os
import shlex
import shutil
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
_COMPILER = shlex.split(os.environ.get("CC", "cc"))


def missing():
    """Why there can be none, or nothing."""
    here = sys.platform.startswith("linux") and shutil.which(_COMPILER[0])
    return None if here else "needs Linux and a C compiler"


def preload(source, scratch, **variables):
    """Returns the environment of a program that has the shim, and these variables for it."""
    library = os.path.join(scratch.path, os.path.basename(source)[:-2] + ".so")
    if not os.path.exists(library):
        subprocess.run([*_COMPILER, "-shared", "-fPIC", "-o", library, os.path.join(TOP, source),
                        "-ldl"], check=True)
    # A sanitizer's run time wants to be first.
    return {"LD_PRELOAD": library, **variables,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
