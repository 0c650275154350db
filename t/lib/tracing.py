"""Whether strace can trace the tested handoffd.

    if why := tracing.missing():
        skip_all(why)
"""
import shutil
import subprocess


def missing():
    """Returns why it cannot, or None. (It cannot trace a build with a sanitizer:
    handoffd.is_sanitized.)"""
    if not shutil.which("strace"):
        return "no strace (contrib/bootstrap --tests)"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False)
    return "strace may not trace here" if done.returncode else None
