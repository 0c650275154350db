"""Compiles a library that intercepts calls of the C library (LD_PRELOAD).

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
    """Returns why this is impossible, or None."""
    here = sys.platform.startswith("linux") and shutil.which(_COMPILER[0])
    return None if here else "needs Linux and a C compiler"


def preload(source, scratch, **variables):
    """Returns environment variables that load the shim, and these variables for it."""
    library = os.path.join(scratch.path, os.path.basename(source)[:-2] + ".so")
    if not os.path.exists(library):
        subprocess.run([*_COMPILER, "-shared", "-fPIC", "-o", library, os.path.join(TOP, source),
                        os.path.join(TOP, "t/lib/no_landlock.c"), "-ldl"], check=True)
    # The run-time library of a sanitizer must come first.
    return {"LD_PRELOAD": library, **variables,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
