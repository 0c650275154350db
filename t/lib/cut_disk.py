"""A disk whose power can be cut: it loses writes that were not flushed, or a part of them.

    disk = CutDisk(scratch, image, keep=50)   # starts with the image; a cut keeps half the writes
    mounts.loop(path, disk.file)
    disk.cut(file)               # now; the file has the remaining content, and flushes fail
    mounts.unmount(path); disk.remove()

The disk is in memory (t/bench/slowdisk): a loop device on a FUSE filesystem.
"""
import os
import subprocess

import fuse_disk

_FLUSH = 1000  # microseconds, so that a cut can happen during a flush


class CutDisk:
    def __init__(self, scratch, image, keep):
        """keep: the percentage of unflushed writes that survive a cut."""
        self.folder = os.path.join(scratch.path, "cut-disk")
        self.scratch = scratch
        self.process, self.file = fuse_disk.start(self.folder, os.path.getsize(image), "--flush-us",
                                                 str(_FLUSH), "--keep", str(keep))
        scratch.guard(self.process.pid)
        subprocess.run(["dd", f"if={image}", f"of={self.file}", "bs=64k",
                        "conv=sparse,notrunc,fsync", "status=none"], check=True)

    def cut(self, file):
        subprocess.run(["cp", "--sparse=always", os.path.join(self.folder, "left"), file],
                       check=True)

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], check=True)
        self.process.wait(30)
        self.scratch.release(self.process.pid)
