#!/usr/bin/env python3
"""L5, L12: the power fails while mail arrives. Messages that were answered with 250 are complete;
no truncated message is visible; and a message that a client sends again, because it got no reply,
is stored once.

In the first rounds the mailboxes are new: deliveries create them and sync their directories. The
later rounds use mailboxes that were created with the filesystem and are old enough for one sync of
the file to cover all of its names (Message::link_all). In those, the sync of a directory fails, so
that a delivery that needs one is refused and noticed.

The spool is on a loop-mounted image on a disk that loses all unflushed writes at the cut, or half
of them, or none (cut_disk.py). Without such a disk, everything that reached the image survives: the
cut is FS_IOC_SHUTDOWN without a flush of the log (as in xfstests' godown) or, on a filesystem
without it, a copy of the image taken while all processes of the server are stopped. POWER_ROUNDS:
rounds of each kind for each filesystem (3)."""
import errno
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fuse_disk
import maildir
import mounts
import shim
import tap
from cut_disk import CutDisk
from handoffd import Handoffd, writes_out
from lmtp import Closed, Lmtp, stuffed
from processes import children
from retries import found, kill, text
from scratch import Scratch
from tap import diag, empty, is_, ok

ROUNDS = int(os.environ.get("POWER_ROUNDS", "3"))
CLIENTS = 6
YOUNG, OLD = "young.test", "old.test"
USERS = {domain: [f"user{n}@{domain}" for n in range(12)] for domain in (YOUNG, OLD)}
OLD_ENOUGH = 61  # seconds; a younger mailbox is synced by each delivery (kYoung in spool/maildir.cc)
FILESYSTEMS = {"ext4": (["mkfs.ext4", "-q"], 64), "xfs": (["mkfs.xfs", "-q"], 320),
               "btrfs": (["mkfs.btrfs", "-q"], 128)}  # MiB: about the minimum of each filesystem
SHUTDOWN, NOLOGFLUSH = 0x8004587D, struct.pack("I", 2)

random.seed(1047)


class Client(threading.Thread):
    """Sends messages until the server has ended, and records which were acknowledged."""

    def __init__(self, address, prefix, users):
        super().__init__(daemon=True)
        self.address, self.prefix, self.users = address, prefix, users
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
                    octets = text(name, random.choice((200, 4000, 4000, 300000)))
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


def family(daemon):
    return [daemon.pid, *children(daemon.pid)]


def shut_down(daemon, image, mount_point):
    """Returns the time of the cut and the image to mount again. All processes are dead.

    Later acknowledgements do not count: while the filesystem shuts down, an fsync that began
    earlier may return 0 without writing (seen on XFS). In a real power cut no client would see that
    reply."""
    pids = family(daemon)
    handle = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY)
    after = image
    when = time.monotonic()
    try:
        fcntl.ioctl(handle, SHUTDOWN, NOLOGFLUSH)
    except OSError:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
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
    """A filesystem whose old mailboxes are used in all rounds, and the server that uses it as spool
    while it is mounted."""

    def __init__(self, kind):
        self.kind = kind
        self.scratch = Scratch()
        self.image = os.path.join(self.scratch.path, "image")
        mkfs, size = FILESYSTEMS[kind]
        with open(self.image, "wb") as file:
            file.truncate(size << 20)
        subprocess.run([*mkfs, self.image], check=True)
        self.daemon = Handoffd({"recipients.lookup": "any", "workers.min-idle": CLIENTS},
                               start=False)
        self.mounted = False
        self.disk = None
        self.made = None  # when the old mailboxes were created
        rule = self.scratch.file("rule", f"fsync /{OLD} {errno.EIO}")
        os.chmod(rule, 0o644)
        self.no_directory = shim.preload("t/crash/call_shim.c", self.scratch, SHIM_RULE=rule)

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
            kill(family(self.daemon))
            self.daemon.process.wait()
            self.unmount()
            self.disk.remove()
        if before != self.image:
            os.rename(self.image, before)
            self.image = before
        return when

    def unmount(self, how=()):
        subprocess.run(["umount", *how, self.daemon.spool], check=True)
        self.mounted = False

    def start(self, environment):
        self.daemon.environment = environment
        self.daemon.start()

    def make_old(self):
        """Creates the mailboxes that will be old, and shows that a delivery that syncs them is
        refused."""
        self.mount()
        os.chown(self.daemon.spool, *self.daemon.owner)
        for user in USERS[OLD]:
            self.daemon.mailbox(user)
        os.sync()
        self.made = time.monotonic()
        if TOGETHER:
            self.start(self.no_directory)
            name, users = f"{self.kind}-early", USERS[OLD][:2]
            codes = send_again(self.daemon.unix, name, text(name, 4000), users)
            is_(codes, [451] * len(users),
                f"{self.kind}: a delivery that syncs a directory is deferred")
            self.daemon.stop()
        self.unmount()

    def empty_mailboxes(self):
        shutil.rmtree(os.path.join(self.daemon.spool, YOUNG), ignore_errors=True)
        for user in USERS[OLD]:
            for message in maildir.files(self.daemon.mailbox_path(user)):
                os.unlink(message)
        os.sync()

    def run_rounds(self, domain):
        kind, daemon, users = self.kind, self.daemon, USERS[domain]
        total = {"acknowledged": 0, "lost": 0, "duplicated": 0, "damaged": 0, "sent again": 0}
        together = domain == OLD and TOGETHER
        refused = []
        for turn in range(ROUNDS):
            self.mount_to_cut()
            self.empty_mailboxes()
            self.start(self.no_directory if together else {})
            clients = [Client(daemon.unix, f"{kind}-{domain}-{turn}-{n}", users)
                       for n in range(CLIENTS)]
            for client in clients:
                client.start()
            # A random moment under load: after this many acknowledgements.
            wanted, end = random.randint(20, 150), time.monotonic() + 20
            while sum(len(c.acknowledged) for c in clients) < wanted and \
                    time.monotonic() < end and any(c.is_alive() for c in clients):
                time.sleep(0.001)
            cut = self.cut_power()
            for client in clients:
                client.join(30)
            self.mount()
            copies, damaged = found(daemon, users)
            acknowledged = [each[:2] for client in clients for each in client.acknowledged
                            if each[2] < cut]
            refused += [client.refused[0] for client in clients
                        if client.refused and client.refused[1] < cut]
            lost = [each for each in acknowledged if copies.get(each, 0) == 0]
            # Unanswered messages are sent again, unchanged. If one was already delivered, its
            # directory is synced before the reply.
            self.start({})
            again = [client.open for client in clients if client.open and client.open[2]]
            for name, octets, recipients in again:
                codes = send_again(daemon.unix, name, octets, recipients)
                if codes != [250] * len(recipients):
                    diag(f"{kind}: {name} sent again was answered {codes}")
                    total["lost"] += 1
            daemon.stop()
            copies, damaged_later = found(daemon, users)
            twice = [each for each, count in copies.items() if count != 1]
            total["acknowledged"] += len(acknowledged)
            total["lost"] += len(lost)
            total["duplicated"] += len(twice)
            total["damaged"] += len(damaged) + len(damaged_later)
            total["sent again"] += len(again)
            for what, which in (("lost", lost), ("twice", twice), ("damaged", damaged)):
                if which:
                    diag(f"{kind} {domain} round {turn}: {what}: {which[:5]}")
            self.unmount()
        name = f"{kind}, {domain}"
        diag(f"{name}: {ROUNDS} power cuts, " + ", ".join(f"{v} {k}" for k, v in total.items()))
        ok(total["acknowledged"] > 0, f"{name}: mail was acknowledged before the power went")
        empty(refused, f"{name}: " + ("one sync of the file covered all its names" if together else
                                      "no message was refused"))
        ok(total["lost"] == 0, f"{name}: nothing that was acknowledged is lost L5")
        ok(total["damaged"] == 0, f"{name}: no short or empty file is in any new/ L5")
        ok(total["duplicated"] == 0, f"{name}: a message that was sent again exists once L12")

    def remove(self):
        if self.daemon.running:
            self.daemon.stop()
        if self.mounted:
            subprocess.run(["umount", "-l", self.daemon.spool], check=False)
        self.daemon.scratch.remove()
        self.scratch.remove()


# Private: otherwise a mount namespace that another process creates would keep the mount, and
# mounting the image again would find the filesystem that was shut down.
if not mounts.private() or not os.path.exists("/dev/loop-control"):
    tap.skip_all("needs root and loop devices")
if why := shim.missing():
    tap.skip_all(why)
for command, _ in FILESYSTEMS.values():
    if shutil.which(command[0]) is None:
        tap.skip_all(f"needs {command[0]}")
TOGETHER = writes_out()
NO_DISK = fuse_disk.missing()
if NO_DISK:
    diag(f"unflushed writes are not lost here: {NO_DISK}")
spools = []
try:
    for filesystem in FILESYSTEMS:
        spools.append(Spool(filesystem))
        spools[-1].make_old()
    for spool in spools:
        spool.run_rounds(YOUNG)
    for spool in spools:
        time.sleep(max(0, spool.made + OLD_ENOUGH - time.monotonic()))
        spool.run_rounds(OLD)
finally:
    for spool in spools:
        spool.remove()
tap.done()
