#!/usr/bin/env python3
"""L5, L12: the power fails while mail arrives. Messages that were answered with 250 are complete;
no truncated message is visible; and a message that a client sends again, because it got no reply,
is stored once.

In the first rounds the mailboxes are new: deliveries create them and sync their directories. The
later rounds use mailboxes that were created with the filesystem and are old enough for one sync of
the file to cover all of its names (Message::link_all). In those, the sync of a directory fails, so
that a delivery that needs one is refused and noticed.

The spool and the cuts are those of t/lib/power.py. POWER_ROUNDS: rounds of each kind for each
filesystem (3)."""
import errno
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import power
import shim
import tap
from handoffd import writes_out
from power import Client, send_again
from retries import found, text
from tap import diag, empty, is_, ok

ROUNDS = int(os.environ.get("POWER_ROUNDS", "3"))
CLIENTS = 6
YOUNG, OLD = "young.test", "old.test"
USERS = {domain: [f"user{n}@{domain}" for n in range(12)] for domain in (YOUNG, OLD)}
OLD_ENOUGH = 61  # seconds; a younger mailbox is synced by each delivery (kYoung in spool/maildir.cc)

random.seed(1047)


class Spool(power.Spool):
    """A filesystem whose old mailboxes are used in all rounds."""

    def __init__(self, kind):
        super().__init__(kind, {"recipients.lookup": "any", "workers.min-idle": CLIENTS})
        self.made = None  # when the old mailboxes were created
        rule = self.scratch.file("rule", f"fsync /{OLD} {errno.EIO}")
        os.chmod(rule, 0o644)
        self.no_directory = shim.preload("t/crash/call_shim.c", self.scratch, SHIM_RULE=rule)

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


if why := power.missing():
    tap.skip_all(why)
if why := shim.missing():
    tap.skip_all(why)
TOGETHER = writes_out()
if power.NO_DISK:
    diag(f"unflushed writes are not lost here: {power.NO_DISK}")
spools = []
try:
    for filesystem in power.FILESYSTEMS:
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
