"""A spool on a filesystem whose power can be cut while handoffd runs, and clients that record which
messages were acknowledged.

    why = power.missing()
    spool = power.Spool('ext4', settings)     # with the server spool.daemon, not started
    spool.mount_to_cut()
    spool.daemon.start()
    client = power.Client(address, 'name', users, make)     # a thread; make(name, size): a message
    when = spool.cut_power()                  # every process of the server is dead
    spool.mount()                             # what is left
    spool.remove()

The image is loop-mounted on a disk that loses all unflushed writes at the cut, or half of them, or
none (cut_disk.py). Without such a disk, everything that reached the image survives: the cut is
FS_IOC_SHUTDOWN without a flush of the log (as in xfstests' godown) or, on a filesystem without it, a
copy of the image taken while all processes of the server are stopped. The test must have called
mounts.private(): otherwise a mount namespace that another process creates would keep the mount, and
mounting the image again would find the filesystem that was shut down.
"""
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import threading
import time

import fuse_disk
import mounts
from cut_disk import CutDisk
from handoffd import Handoffd
from lmtp import Closed, Lmtp, stuffed
from processes import descendants, send_signal
from retries import kill, text
from scratch import Scratch

FILESYSTEMS = {"ext4": (["mkfs.ext4", "-q"], 64), "xfs": (["mkfs.xfs", "-q"], 320),
               "btrfs": (["mkfs.btrfs", "-q"], 128)}  # MiB: about the minimum of each filesystem
SHUTDOWN, NOLOGFLUSH = 0x8004587D, struct.pack("I", 2)
NO_DISK = fuse_disk.missing()


def missing():
    """Returns why power cannot be cut here, or None."""
    if not mounts.private() or not os.path.exists("/dev/loop-control"):
        return "needs root and loop devices"
    for command, _ in FILESYSTEMS.values():
        if shutil.which(command[0]) is None:
            return f"needs {command[0]}"
    return None


class Client(threading.Thread):
    """Sends messages until the server has ended, and records which were acknowledged."""

    def __init__(self, address, prefix, users, make=text):
        super().__init__(daemon=True)
        self.address, self.prefix, self.users, self.make = address, prefix, users, make
        self.acknowledged = []  # (name, recipient, when it was read)
        self.open = None        # (name, octets, recipients without a reply)
        self.refused = None     # the last one: (reply, when it was read)

    def run(self):
        count = 0
        try:
            with Lmtp(self.address) as client:
                client.command("LHLO client.test")
                while True:
                    count += 1
                    name = f"{self.prefix}-{count}"
                    recipients = random.sample(self.users, random.choice((1, 1, 1, 2, 5)))
                    octets = self.make(name, random.choice((200, 4000, 4000, 300000)))
                    self.open = (name, octets, list(recipients))
                    client.session("MAIL FROM:<a@example.net>",
                                   *[f"RCPT TO:<{each}>" for each in recipients])
                    if client.command("DATA").code != 354:
                        return
                    client.send(stuffed(octets))
                    for recipient in recipients:
                        reply = client.reply()
                        if reply.code != 250:
                            self.refused = (f"{name}: {reply}", time.monotonic())
                            return
                        self.acknowledged.append((name, recipient, time.monotonic()))
                        self.open[2].remove(recipient)
        except (OSError, Closed):  # the server has ended
            pass


def shut_down(daemon, image, mount_point):
    """Returns the time of the cut and the image to mount again. All processes are dead.

    Later acknowledgements do not count: while the filesystem shuts down, an fsync that began
    earlier may return 0 without writing (seen on XFS). In a real power cut no client would see that
    reply."""
    pids = descendants(daemon.pid)
    handle = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY)
    after = image
    when = time.monotonic()
    try:
        fcntl.ioctl(handle, SHUTDOWN, NOLOGFLUSH)
    except OSError:
        send_signal(pids, signal.SIGSTOP)
        after = image + ".cut"
        subprocess.run(["cp", "--sparse=always", image, after], check=True)
    os.close(handle)
    kill(pids)  # the processes that did not die when they accessed memory mapped from the spool
    daemon.process.wait()
    return when, after


def send_again(address, name, octets, recipients):
    with Lmtp(address) as client:
        client.session("LHLO client.test", "MAIL FROM:<a@example.net>",
                       *[f"RCPT TO:<{each}>" for each in recipients], "DATA")
        client.send(stuffed(octets))
        codes = [reply.code for reply in client.replies(len(recipients))]
        client.command("QUIT")
        return codes


class Spool:
    """A filesystem, and the server that uses it as spool while it is mounted."""

    def __init__(self, kind, settings):
        self.kind = kind
        self.scratch = Scratch()
        self.image = os.path.join(self.scratch.path, "image")
        mkfs, size = FILESYSTEMS[kind]
        with open(self.image, "wb") as file:
            file.truncate(size << 20)
        subprocess.run([*mkfs, self.image], check=True)
        self.daemon = Handoffd(settings, start=False)
        self.mounted = False
        self.disk = None

    def mount(self):
        mounts.loop(self.daemon.spool, self.image)
        self.mounted = True

    def mount_to_cut(self):
        if NO_DISK:
            self.mount()
            return
        self.disk = CutDisk(self.scratch, self.image, random.choice((0, 50, 100)))
        mounts.loop(self.daemon.spool, self.disk.file)
        self.mounted = True

    def cut_power(self):
        """Returns the time of the cut. All processes are dead, and the image has the remaining
        content."""
        before = self.image
        if NO_DISK:
            when, self.image = shut_down(self.daemon, before, self.daemon.spool)
            self.unmount(["-l" if self.kind == "btrfs" else "-f"])
        else:
            when, self.image = time.monotonic(), before + ".cut"
            os.kill(self.daemon.pid, signal.SIGSTOP)  # so that it does not replace workers that die
            self.disk.cut(self.image)
            kill(descendants(self.daemon.pid))
            self.daemon.process.wait()
            self.unmount()
            self.disk.remove()
        if before != self.image:
            os.rename(self.image, before)
            self.image = before
        return when

    def unmount(self, how=()):
        # A program that the server had started may be ending.
        end = time.monotonic() + 30
        while subprocess.run(["umount", *how, self.daemon.spool], check=False,
                             stderr=subprocess.DEVNULL).returncode and time.monotonic() < end:
            time.sleep(0.1)
        self.mounted = os.path.ismount(self.daemon.spool)
        assert not self.mounted, "the spool is still mounted"

    def start(self, environment):
        self.daemon.environment = environment
        self.daemon.start()

    def remove(self):
        if self.daemon.running:
            self.daemon.stop()
        if self.mounted:
            subprocess.run(["umount", "-l", self.daemon.spool], check=False)
        self.daemon.scratch.remove()
        self.scratch.remove()
