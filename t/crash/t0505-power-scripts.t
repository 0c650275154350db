#!/usr/bin/env python3
"""L5, L12, F26: the power fails while scripts store several copies, set flags, redirect and reply.
When the power is back, each message that was answered with 250 has each of its copies once, and
each of its redirects is sent. A message that a client sends again, because it got no reply, is
stored once and redirected no more than once by each attempt; a reply is sent at most once; and
nothing stays in the queue.

In the first rounds the mailboxes are young and synced by each delivery; in the later ones they are
old, and one sync of the file covers copies, envelopes, marks and records. POWER_ROUNDS: rounds of
each kind for each filesystem (1)."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import plans
import power
import shim
import tap
from fake_sendmail import Sendmail, outgoing, wait
from handoffd import program
from power import Client, send_again
from scratch import Scratch
from tap import diag, empty, ok

ROUNDS = int(os.environ.get("POWER_ROUNDS", "1"))
CLIENTS = 4

random.seed(5230)


class Spool(power.Spool):
    def __init__(self, kind):
        self.outside = Scratch()  # the program's files are on another disk
        self.mail = Sendmail(self.outside)
        super().__init__(kind, {"workers.min-idle": CLIENTS, "sieve.enabled": "yes",
                                "sieve.sendmail": self.mail.path})
        rule = self.scratch.file("rule", "none none 0")
        os.chmod(rule, 0o644)
        self.old = shim.preload("t/crash/call_shim.c", self.scratch, SHIM_RULE=rule, SHIM_OLD="1")

    def prepare(self):
        self.mount()
        os.chown(self.daemon.spool, *self.daemon.owner)
        for user in plans.USERS:
            self.daemon.mailbox(user)
        plans.write_scripts(self.daemon)
        os.sync()
        self.unmount()

    def run_rounds(self, age, environment):
        kind, daemon = f"{self.kind}, {age}", self.daemon
        acknowledged, again = [], []
        for turn in range(ROUNDS):
            self.mount_to_cut()
            self.start(environment)
            clients = [Client(daemon.unix, f"{self.kind}-{age}-{turn}-{n}", plans.USERS, plans.text)
                       for n in range(CLIENTS)]
            for client in clients:
                client.start()
            wanted, end = random.randint(5, 40), time.monotonic() + 20
            while sum(len(client.acknowledged) for client in clients) < wanted and \
                    time.monotonic() < end and any(client.is_alive() for client in clients):
                time.sleep(0.001)
            cut = self.cut_power()
            for client in clients:
                client.join(30)
            self.mount()
            self.start(environment)
            acknowledged += [each[:2] for client in clients for each in client.acknowledged
                             if each[2] < cut]
            for name, octets, recipients in [client.open for client in clients
                                             if client.open and client.open[2]]:
                codes = send_again(daemon.unix, name, octets, recipients)
                if codes == [250] * len(recipients):
                    again += [(name, each) for each in recipients]
                else:
                    diag(f"{kind}: {name} sent again was answered {codes}")
                    acknowledged.append((name, "refused"))
            emptied = wait(lambda: not outgoing(daemon.spool))
            ok(emptied, f"{kind}, cut {turn}: nothing stays in the queue")
            daemon.stop()
            empty(daemon.staged(), f"{kind}, cut {turn}: nothing stays in staging")
            if turn < ROUNDS - 1:
                self.unmount()
        outcome = plans.look(daemon, self.mail)
        diag(f"{kind}: {ROUNDS} power cuts, {len(acknowledged)} acknowledged, {len(again)} sent again, "
             f"{len(outcome.sent_twice('redirect'))} redirects repeated")
        ok(len(acknowledged) > 0, f"{kind}: mail was acknowledged before the power went")
        refused = [each for each in acknowledged if each[1] == "refused"]
        empty(refused, f"{kind}: every message is accepted when the power is back")
        promised = [each for each in acknowledged + again if each[1] != "refused"]
        empty(outcome.missing(promised), f"{kind}: all copies and redirects of a 250 are there L5 F26")
        empty(outcome.twice, f"{kind}: no copy exists twice L12")
        empty(outcome.sent_twice("reply"), f"{kind}: no reply is sent twice F29")
        # In each cut, the program may have taken one message whose removal from the queue the cut
        # undid.
        many = [each for each, count in outcome.sent.items() if each[2] == "redirect" and count > 2]
        empty(many, f"{kind}: a cut repeats a redirect at most once")
        empty(outcome.damaged, f"{kind}: no copy is short or has the wrong flags L5")
        self.unmount()

    def remove(self):
        super().remove()
        self.outside.remove()


if not os.path.exists(os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")):
    ok(True, "a_build_without_sieve_runs_no_scripts")
    tap.done()
    sys.exit(0)
if why := power.missing() or shim.missing():
    tap.skip_all(why)
if power.NO_DISK:
    diag(f"unflushed writes are not lost here: {power.NO_DISK}")
for filesystem in power.FILESYSTEMS:
    spool = Spool(filesystem)
    try:
        spool.prepare()
        spool.run_rounds("young", {})
        spool.run_rounds("old", spool.old)
    finally:
        spool.remove()
tap.done()
