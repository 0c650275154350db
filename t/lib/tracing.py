"""Whether strace can trace the tested handoffd.

    if why := tracing.missing():
        skip_all(why)
"""
import shutil
import subprocess


def missing():
    """Returns why strace cannot trace here, or None. It cannot trace a build with a sanitizer
    either: see handoffd.is_sanitized."""
    if not shutil.which("strace"):
        return "no strace (contrib/bootstrap --tests)"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False)
    return "strace may not trace here" if done.returncode else None
