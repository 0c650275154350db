"""A disk whose power can be cut: it forgets what was written and not flushed, or a part of that.

    disk = CutDisk(scratch, image, keep=50)   # begins as the image; a cut keeps half of such writes
    mounts.loop(path, disk.file)
    disk.cut(file)               # now; the file is what is left. The filesystem sees flushes fail
    mounts.unmount(path); disk.remove()

It is in memory (t/bench/slowdisk), a loop device over a FUSE filesystem.
"""
import os
import subprocess

import fuse_disk

_FLUSH = 1000  # microseconds: so that a cut falls into one


class CutDisk:
    def __init__(self, scratch, image, keep):
        """keep: of the writes that were not flushed, percent."""
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
