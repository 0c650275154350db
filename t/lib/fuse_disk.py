"""t/bench/slowdisk: a disk in memory, by FUSE.

    if why := fuse_disk.missing(): ...
    process, file = fuse_disk.start(folder, octets, '--flush-us', '2000')   # ends with its mount
"""
import os
import subprocess
import time

_PROGRAM = os.path.join(os.environ.get("TOP_BUILDDIR", "build"), "t", "bench", "bin", "slowdisk")


def missing():
    """Returns why there cannot be such a disk, or None."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))  # the device file may exist without FUSE
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    return None if os.access(_PROGRAM, os.X_OK) else "built without libfuse3"


def start(folder, octets, *options):
    """Creates the folder if necessary, and waits until the file of the disk exists."""
    os.makedirs(folder, exist_ok=True)
    process = subprocess.Popen(
        [_PROGRAM, "--at", folder, "--mib", str(octets >> 20), *options],
        start_new_session=True, stderr=subprocess.DEVNULL)  # libfuse 3.14 prints irrelevant
                                                            # messages
    file, end = os.path.join(folder, "disk"), time.monotonic() + 20
    while not os.path.exists(file):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise OSError("slowdisk does not mount its file")
        time.sleep(0.01)
    return process, file
