"""Whether strace can follow the handoffd under test.

    if why := tracing.missing():
        skip_all(why)
"""
import shutil
import subprocess


def missing():
    """Why it cannot, or nothing. (Of a build with a sanitizer it never can: handoffd.is_sanitized.)"""
    if not shutil.which("strace"):
        return "no strace (contrib/bootstrap)"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False)
    return "strace may not trace here" if done.returncode else None
