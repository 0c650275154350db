#!/usr/bin/env python3
"""L5, L12: workers and the whole server are killed while mail arrives, and clients disconnect at
any octet after the final dot. Messages that were answered with 250 are complete, and messages that
are sent again are stored once. The first rounds use new mailboxes, whose directories each delivery
syncs. The next, if ext4 can be mounted, use mailboxes that count as old, for which one sync of the
file covers all of its names.

KILL_ROUNDS: rounds of each kind (3)."""
import errno
import os
import random
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import shim
import tap
from handoffd import Handoffd, writes_out
from lmtp import deliver
from processes import children
from retries import Sender, cut, found, kill, kill_all, text
from scratch import Scratch
from tap import diag, empty, is_, ok

ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))
CLIENTS = 4
USERS = [f"user{n}@example.org" for n in range(8)]

random.seed(1047)


def kill_one(daemon):
    kill(random.sample(children(daemon.pid), 1))


def run(daemon, kind, transfer, trouble, wanted):
    stop = threading.Event()
    senders = [Sender(daemon.tcp if n % 2 else daemon.unix, f"{kind}-{n}", USERS, stop, transfer)
               for n in range(CLIENTS)]
    for sender in senders:
        sender.start()
    for turn in range(1, ROUNDS + 1):
        end = time.monotonic() + 30
        while sum(len(each.acknowledged) for each in senders) < turn * wanted and \
                time.monotonic() < end:
            time.sleep(0.001)
        trouble(daemon)
    stop.set()
    for sender in senders:
        sender.join(90)
    copies, damaged = found(daemon, USERS)
    acknowledged = [each[:2] for sender in senders for each in sender.acknowledged]
    lost = [each for each in acknowledged if each not in copies]
    twice = [each for each, count in copies.items() if count > 1 and each[0].startswith(kind)]
    diag(f"{kind}: {ROUNDS} rounds, {sum(each.tries for each in senders)} tries, "
         f"{len(acknowledged)} acknowledged, {len(lost)} lost, {len(twice)} duplicated, "
         f"{len(damaged)} damaged")
    empty([each.fault for each in senders if each.fault], f"{kind}: every message is answered")
    ok(len(acknowledged) >= ROUNDS, f"{kind}: mail was acknowledged")
    empty(lost, f"{kind}: nothing that was acknowledged is lost L5")
    empty(twice, f"{kind}: no message exists twice L12")
    empty(damaged, f"{kind}: no short or empty file is in any new/ L5")


def run_all(daemon, prefix=""):
    run(daemon, prefix + "kill-one", None, kill_one, 12)
    run(daemon, prefix + "kill-all", None, kill_all, 12)
    run(daemon, prefix + "cut", cut, lambda _: None, 12)
    is_(daemon.stop(), 0, f"{prefix}the_server_exits_with_0")


def run_old():
    """The directory of an old mailbox is not synced."""
    scratch = Scratch()
    rule = scratch.file("rule", "none none 0")
    os.chmod(rule, 0o644)
    daemon = Handoffd(SETTINGS, tcp=True, scratch=scratch, start=False,
                      environment=shim.preload("t/crash/call_shim.c", scratch, SHIM_RULE=rule,
                                               SHIM_OLD="1"))
    mounted = PRIVATE and os.path.exists("/dev/loop-control") and shutil.which("mkfs.ext4")
    if mounted:
        mounts.image(daemon.spool, scratch.file("disk"), 256, ["mkfs.ext4", "-q"])
        os.chown(daemon.spool, *daemon.owner)
    try:
        for user in USERS:
            daemon.mailbox(user)
        daemon.start()
        if mounted and writes_out():
            for broken, code in ((".handoff/staging", 451), ("example.org", 250)):
                scratch.file("rule", f"fsync {broken} {errno.EIO}")
                told = deliver(daemon.unix, "a@example.net", USERS[:3], text("first", 4000)).final
                is_([reply.code for reply in told.values()], [code] * 3,
                    f"one_sync_of_the_file_covers_all_its_names_{code}")
            scratch.file("rule", "none none 0")
        run_all(daemon, "old-")
    finally:
        if daemon.running:
            daemon.stop()
        if mounted:
            mounts.unmount(daemon.spool)
        scratch.remove()


if not os.path.exists("/proc/self/task") or not hasattr(os, "pidfd_open"):
    tap.skip_all("needs Linux")
PRIVATE = mounts.private()
SETTINGS = {"recipients.lookup": "any", "workers.min-idle": str(CLIENTS),
            "recipients.max-concurrent": "0"}
with Handoffd(SETTINGS, tcp=True) as daemon:
    run_all(daemon)
    daemon.start()
if not shim.missing():
    run_old()
tap.done()
