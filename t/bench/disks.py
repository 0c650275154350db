"""The filesystems that a benchmark runs on: images on this machine's disk, mounted by loop devices,
and a tmpfs, which uses no disk. Needs root and a mount namespace (`t/bench/run` creates one); the
mounts end with the namespace.

    disk = Disk('ext4', folder, images, octets)
    disk.path                   # its mount point
    before = disk.counters(); ...; disk.counters() - before     # Counters(writes, octets, flushes)

ext4-flush-2ms and xfs-flush-2ms are on a disk in memory whose flush takes 2 ms (slowdisk/): a flush
of a virtual machine's disk may only reach memory, and the benchmark would then measure processors.
"""
import os
import shutil
import subprocess

import fuse_disk

SLOW = {f"{kind}-flush-2ms": (kind, 2000) for kind in ("ext4", "xfs")}  # microseconds
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-K"],
}
NAMES = [*MAKE, *SLOW, "tmpfs"]


class Counters:
    """Counters of a block device: write requests, octets, flushes of its cache."""

    def __init__(self, writes=0, octets=0, flushes=0):
        self.writes, self.octets, self.flushes = writes, octets, flushes

    def __sub__(self, other):
        return Counters(self.writes - other.writes, self.octets - other.octets,
                        self.flushes - other.flushes)


class Disk:
    def __init__(self, name, folder, images, octets):
        """folder: the directory below which the disk is mounted. images: the folder for its image,
        which is kept between runs so that its blocks are allocated; the filesystem on it is new."""
        self.name = name
        self.path = os.path.join(folder, name)
        self.device = None
        self.written = 0  # octets of messages, if counted
        os.makedirs(self.path, exist_ok=True)
        if name == "tmpfs":
            _run("mount", "-t", "tmpfs", "-o", f"size={octets},mode=755", "bench", self.path)
            return
        if name in SLOW:
            kind, flush = SLOW[name]
            _, image = fuse_disk.start(f"{self.path}.slow", octets, "--flush-us", str(flush))
        else:
            kind, image = name, os.path.join(images, f"{name}.img")
            if not os.path.exists(image) or os.path.getsize(image) != octets:
                _fill(image, octets)
        _run(*MAKE[kind], image)
        # Bypass the page cache of the machine's filesystem, like a disk.
        loop = _run("losetup", "--direct-io=on", "--find", "--show", image).strip()
        try:
            _run("mount", "-o", "noatime", loop, self.path)
        finally:
            _run("losetup", "--detach", loop)  # takes effect after the unmount
        self.device = os.path.basename(loop)
        os.chmod(self.path, 0o755)

    def counters(self):
        if not self.device:
            return Counters()
        with open(f"/sys/block/{self.device}/stat", encoding="ascii") as stat:
            fields = [int(each) for each in stat.read().split()]
        return Counters(fields[4], fields[6] * 512, fields[15] if len(fields) > 15 else 0)

    def settle(self):
        """Waits until everything is on disk, so that no run is slowed by the previous one."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        if self.device:
            _run("sync", "-f", self.path)


def missing(name):
    """Returns why such a filesystem is impossible here, or None."""
    if name in SLOW:
        return fuse_disk.missing() or missing(SLOW[name][0])
    tool = MAKE.get(name, ["mount"])[0]
    if not any(os.access(os.path.join(folder, tool), os.X_OK)
               for folder in ("/sbin", "/usr/sbin", "/bin", "/usr/bin")):
        return f"no {tool}"
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", name], check=False, stderr=subprocess.DEVNULL)
    with open("/proc/filesystems", encoding="ascii") as known:
        if name not in known.read().split():
            return "the kernel does not know it"
    return None


def _fill(image, octets):
    zeros = bytes(4 << 20)
    with open(image, "wb") as file:
        for _ in range(octets // len(zeros)):
            file.write(zeros)
        os.fsync(file.fileno())


def _run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
