"""Filesystems that a test mounts in a mount namespace of its own.

    if mounts.private():                   # as root: restarts the test in a mount namespace
        mounts.tmpfs(path, 'size=1m')
        mounts.image(path, scratch.file('disk'), 16, ['mkfs.ext4', '-q'])
        mounts.loop(path, file)            # mounts such an image again
"""
import os
import shutil
import subprocess
import sys


def private():
    """If root, runs the rest of the test in a private mount namespace. Returns whether the test
    runs in one."""
    if os.environ.get("HANDOFF_PRIVATE_MOUNTS") == "1":
        return True
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    if subprocess.run(["unshare", "-m", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        return False
    os.environ["HANDOFF_PRIVATE_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, os.path.abspath(sys.argv[0])])


def tmpfs(path, options, *more):
    subprocess.run(["mount", *more, "-t", "tmpfs", "-o", options, "none", path], check=True)


def image(path, file, mebibytes, mkfs):
    """Creates a filesystem in a file and mounts it."""
    os.truncate(file, mebibytes << 20)
    subprocess.run([*mkfs, file], check=True, stdout=subprocess.DEVNULL)
    loop(path, file)


def loop(path, file):
    """Mounts the filesystem in a file."""
    subprocess.run(["mount", "-o", "loop", file, path], check=True)


def unmount(path):
    subprocess.run(["umount", path], check=True)
