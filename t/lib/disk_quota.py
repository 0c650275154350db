"""A home on its own filesystem, with a quota of the kernel: a write beyond the quota fails with
EDQUOT.

    disk_quota.mount(path, scratch.file('disk'), uid, 1024)     # a limit of 1024 KiB

Uses a user quota of ext4 or, if this kernel has none, a btrfs quota for the whole home.
"""
import ctypes
import os
import struct
import subprocess

_SET = 0x800008 << 8  # QCMD(Q_SETQUOTA, USRQUOTA), linux/quota.h
_BLOCK_LIMITS = 1     # QIF_BLIMITS
_MEBIBYTES = 256      # size of the disk, which is sparse


def _make(file, *mkfs):
    os.truncate(file, 0)
    os.truncate(file, _MEBIBYTES << 20)
    subprocess.run([*mkfs, file], check=True, stdout=subprocess.DEVNULL)


def mount(path, file, uid, kibibytes):
    _make(file, "mkfs.ext4", "-q", "-O", "quota", "-E", "quotatype=usrquota")
    mounted = subprocess.run(["mount", "-o", "loop,usrquota", file, path], check=False,
                             stderr=subprocess.DEVNULL).returncode == 0
    if not mounted:
        _make(file, "mkfs.btrfs", "-q")
        subprocess.run(["mount", "-o", "loop", file, path], check=True)
        subprocess.run(["btrfs", "quota", "enable", path], check=True)
        subprocess.run(["btrfs", "qgroup", "limit", f"{kibibytes}K", "0/5", path], check=True)
        return
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        device = next(line.split()[0] for line in mounts if line.split()[1] == path)
    libc = ctypes.CDLL(None, use_errno=True)
    block = ctypes.create_string_buffer(
        struct.pack("=8QI4x", kibibytes, kibibytes, 0, 0, 0, 0, 0, 0, _BLOCK_LIMITS))
    if libc.quotactl(_SET, device.encode(), uid, block) != 0:
        raise OSError(ctypes.get_errno(), "quotactl", device)
