"""A disk whose power can be cut: it forgets what was written and not flushed, or a part of that.

    disk = CutDisk(scratch, image, keep=50)   # begins as the image; a cut keeps half of such writes
    disk.mount(path)
    disk.cut(file)               # now; the file is what is left. The filesystem sees flushes fail
    mounts.unmount(path); disk.remove()

It is in memory (t/bench/slowdisk), a loop device over a FUSE filesystem.
"""
import os
import subprocess
import time

_PROGRAM = os.path.join(os.environ.get("TOP_BUILDDIR", "build"), "t", "bench", "bin", "slowdisk")
_FLUSH = 1000  # microseconds: so that a cut falls into one


def missing():
    """Why there can be none, or nothing."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))  # there may be the node alone
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    return None if os.access(_PROGRAM, os.X_OK) else "built without libfuse3"


class CutDisk:
    def __init__(self, scratch, image, keep):
        """keep: of the writes that were not flushed, percent."""
        self.folder = os.path.join(scratch.path, "cut-disk")
        self.file = os.path.join(self.folder, "disk")
        os.makedirs(self.folder, exist_ok=True)
        self.scratch = scratch
        self.process = subprocess.Popen(
            [_PROGRAM, "--at", self.folder, "--mib", str(os.path.getsize(image) >> 20),
             "--flush-us", str(_FLUSH), "--keep", str(keep)],
            start_new_session=True, stderr=subprocess.DEVNULL)  # libfuse 3.14 says what is no matter
        scratch.guard(self.process.pid)
        end = time.monotonic() + 20
        while not os.path.exists(self.file):
            if self.process.poll() is not None or time.monotonic() > end:
                raise OSError("slowdisk does not mount its file")
            time.sleep(0.01)
        subprocess.run(["dd", f"if={image}", f"of={self.file}", "bs=64k",
                        "conv=sparse,notrunc,fsync", "status=none"], check=True)

    def mount(self, path):
        subprocess.run(["mount", "-o", "loop", self.file, path], check=True)

    def cut(self, file):
        subprocess.run(["cp", "--sparse=always", os.path.join(self.folder, "left"), file],
                       check=True)

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], check=True)
        self.process.wait(30)
        self.scratch.release(self.process.pid)
