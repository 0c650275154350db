#!/usr/bin/env python3
"""L5, L12: the power goes while mail comes in. What was answered with 250 is there, whole; nothing short
is visible; and what a client sends again, because it had no answer, is there once.

The spool lies on a loop-mounted image. The power cut is FS_IOC_SHUTDOWN without a flush of the log (as
xfstests' godown does); on a filesystem that does not know it, a copy of the image taken while every
process of the server is stopped. POWER_ROUNDS: rounds for each filesystem (3)."""
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
import mounts
import tap
from handoffd import Handoffd
from lmtp import Closed, Lmtp, stuffed
from retries import found, kill, text
from scratch import Scratch
from tap import diag, ok

ROUNDS = int(os.environ.get("POWER_ROUNDS", "3"))
CLIENTS = 6
USERS = [f"user{n}@example.org" for n in range(12)]
FILESYSTEMS = {"ext4": (["mkfs.ext4", "-q"], 64), "xfs": (["mkfs.xfs", "-q"], 320),
               "btrfs": (["mkfs.btrfs", "-q"], 128)}  # MiB: about the least that each takes
SHUTDOWN, NOLOGFLUSH = 0x8004587D, struct.pack("I", 2)

random.seed(1047)


class Client(threading.Thread):
    """Sends messages until the server is gone. Knows what was acknowledged, and what was not."""

    def __init__(self, address, prefix):
        super().__init__(daemon=True)
        self.address, self.prefix = address, prefix
        self.acknowledged = []  # (name, recipient, when it was read)
        self.open = None        # (name, octets, recipients without an answer)

    def run(self):
        count = 0
        try:
            with Lmtp(self.address) as client:
                client.command("LHLO client.test")
                while True:
                    count += 1
                    name = f"{self.prefix}-{count}"
                    recipients = random.sample(USERS, random.choice((1, 1, 1, 2, 5)))
                    octets = text(name, random.choice((200, 4000, 4000, 300000)))
                    self.open = (name, octets, list(recipients))
                    client.session("MAIL FROM:<a@example.net>",
                                   *[f"RCPT TO:<{each}>" for each in recipients])
                    if client.command("DATA").code != 354:
                        return
                    client.send(stuffed(octets))
                    for recipient in recipients:
                        if client.reply().code != 250:
                            return
                        self.acknowledged.append((name, recipient, time.monotonic()))
                        self.open[2].remove(recipient)
        except (OSError, Closed):  # the server is gone
            pass


def family(daemon):
    children = f"/proc/{daemon.pid}/task/{daemon.pid}/children"
    with open(children, encoding="ascii") as file:
        return [daemon.pid, *(int(pid) for pid in file.read().split())]


def cut_power(daemon, image, mount_point):
    """Returns when the power went, and the image to mount again, the processes being dead.

    What is acknowledged behind that moment does not count: while the filesystem goes down, an fsync
    that began before may return 0 for what it no longer writes (seen on XFS), which no power cut
    lets anybody hear of."""
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
    kill(pids)  # those that have not died of the memory that they had mapped there
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


def run_rounds(kind):
    scratch = Scratch()
    image = os.path.join(scratch.path, "image")
    mkfs, size = FILESYSTEMS[kind]
    with open(image, "wb") as file:
        file.truncate(size << 20)
    subprocess.run([*mkfs, image], check=True)
    total = {"acknowledged": 0, "lost": 0, "duplicated": 0, "damaged": 0, "sent again": 0}
    daemon = Handoffd({"recipients.lookup": "any", "workers.min-idle": CLIENTS,
                       "log.level": "error"}, start=False)
    mounted = False
    try:
        for turn in range(ROUNDS):
            subprocess.run(["mount", "-o", "loop", image, daemon.spool], check=True)
            mounted = True
            os.chown(daemon.spool, *daemon.owner)
            for entry in os.listdir(daemon.spool):  # the mailboxes of the last round
                if entry == "example.org":
                    shutil.rmtree(os.path.join(daemon.spool, entry))
            os.sync()
            daemon.write({"log.level": "info"})
            daemon.start()
            clients = [Client(daemon.unix, f"{kind}-{turn}-{n}") for n in range(CLIENTS)]
            for client in clients:
                client.start()
            # A moment at random in real load: after so many acknowledgements.
            wanted, end = random.randint(20, 150), time.monotonic() + 20
            while sum(len(c.acknowledged) for c in clients) < wanted and time.monotonic() < end:
                time.sleep(0.001)
            cut, image = cut_power(daemon, image, daemon.spool)
            for client in clients:
                client.join(30)
            subprocess.run(["umount", "-l" if kind == "btrfs" else "-f", daemon.spool], check=True)
            mounted = False
            subprocess.run(["mount", "-o", "loop", image, daemon.spool], check=True)
            mounted = True
            copies, damaged = found(daemon, USERS)
            acknowledged = [each[:2] for client in clients for each in client.acknowledged
                            if each[2] < cut]
            lost = [each for each in acknowledged if copies.get(each, 0) == 0]
            # What had no answer is sent again, with every octet the same.
            daemon.start()
            again = [client.open for client in clients if client.open and client.open[2]]
            for name, octets, recipients in again:
                codes = send_again(daemon.unix, name, octets, recipients)
                if codes != [250] * len(recipients):
                    diag(f"{kind}: {name} sent again was answered {codes}")
                    total["lost"] += 1
            daemon.stop()
            copies, damaged_later = found(daemon, USERS)
            twice = [each for each, count in copies.items() if count != 1]
            total["acknowledged"] += len(acknowledged)
            total["lost"] += len(lost)
            total["duplicated"] += len(twice)
            total["damaged"] += len(damaged) + len(damaged_later)
            total["sent again"] += len(again)
            for what, which in (("lost", lost), ("twice", twice), ("damaged", damaged)):
                if which:
                    diag(f"{kind} round {turn}: {what}: {which[:5]}")
            subprocess.run(["umount", daemon.spool], check=True)
            mounted = False
    finally:
        daemon.stop()
        if mounted:
            subprocess.run(["umount", "-l", daemon.spool], check=False)
        daemon.scratch.remove()
        scratch.remove()
    diag(f"{kind}: {ROUNDS} power cuts, " + ", ".join(f"{v} {k}" for k, v in total.items()))
    ok(total["acknowledged"] > 0, f"{kind}: mail was acknowledged before the power went")
    ok(total["lost"] == 0, f"{kind}: nothing that was acknowledged is lost L5")
    ok(total["damaged"] == 0, f"{kind}: no short or empty file is in any new/ L5")
    ok(total["duplicated"] == 0, f"{kind}: what was sent again is there once L12")


# Private: a mount that somebody else's new namespace has taken along stays where we unmount it, and
# mounting the image again would find the filesystem that has shut down.
if not mounts.private() or not os.path.exists("/dev/loop-control"):
    tap.skip_all("needs root and loop devices")
for filesystem, (command, _) in FILESYSTEMS.items():
    if shutil.which(command[0]) is None:
        tap.skip_all(f"needs {command[0]}")
    run_rounds(filesystem)
tap.done()
