#!/usr/bin/env python3
"""Two hosts with one spool on a real GlusterFS, under load: the serving host is killed, and all bricks lose
power. No acknowledged message is lost or delivered twice. CLUSTER_ROUNDS: the number of rounds (1)."""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hosts
import maildir
import peer
import tap
from gluster import Volume
from lmtp import Closed, deliver
from scratch import Scratch
from spool_hosts import Site
from tap import done, empty, ok

peer.enter("glusterfs")
if not hosts.can():
    tap.skip_all("not root, or no namespaces")

ROUNDS = int(os.environ.get("CLUSTER_ROUNDS", "1"))
CLIENTS, USERS, MESSAGES = 4, 8, 40
SETTINGS = {"cluster.name": "mail"}
VIEW = "/srv/view"


class GlusterSite(Site):
    network = False

    def __init__(self, volume, directory):
        self.mount = volume.mount
        self.directory = directory


class Load:
    """Clients that send each message, unchanged, until one host has acknowledged it."""

    def __init__(self, addresses, round_):
        self.prefix = f"r{round_}c"
        self.addresses = addresses
        self.acknowledged = {}
        self.begun = 0
        self.longest = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True)
                         for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _send(self, number):
        count = 0
        while not self._stop.is_set():
            name, user = f"{self.prefix}{number}x{count}", f"user{count % USERS}@good.test"
            count += 1
            message = f"Subject: {name}\r\n\r\nbody of {name} end\r\n".encode()
            began = time.monotonic()
            with self._lock:
                self.begun += 1
            while not self._stop.is_set():
                if any(self._try(address, user, message) for address in self.addresses):
                    with self._lock:
                        self.acknowledged[name] = user
                        self.longest = max(self.longest, time.monotonic() - began)
                    break
                time.sleep(0.05)

    @staticmethod
    def _try(address, user, message):
        try:
            return deliver(address, "a@client.test", [user], message, timeout=20).final[user].code \
                == 250
        except (Closed, OSError, ValueError, KeyError):
            return False

    def wait_for(self, more):
        with self._lock:
            wanted = len(self.acknowledged) + more
        end = time.monotonic() + 120
        while len(self.acknowledged) < wanted:
            if time.monotonic() > end:
                raise TimeoutError("no further message is acknowledged")
            time.sleep(0.05)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def check(load, path, what):
    """Compares the mailboxes with the acknowledged messages."""
    there = {}
    for number in range(USERS):
        for octets in maildir.messages(os.path.join(path, "good.test", f"user{number}")):
            name = octets.split(b"body of ")[1].split()[0].decode()
            if not name.startswith(load.prefix):
                continue
            there[name] = there.get(name, 0) + 1
    lost = [name for name in load.acknowledged if name not in there]
    doubled = [name for name, count in there.items() if count > 1]
    tap.diag(f"{what}: {len(load.acknowledged)} acknowledged, {len(lost)} lost, {len(doubled)} doubled, "
             f"the longest wait {load.longest:.1f} s")
    empty(lost, f"{what}: no_acknowledged_message_is_lost")
    empty(doubled, f"{what}: no_message_is_there_twice")


def start(first, second):
    """The first host serves; the second one waits."""
    first.ready = r"\bready\b"
    first.start()
    second.ready = "waiting for the spool"
    second.start()


scratch = Scratch()
began = time.monotonic()
volume = Volume(scratch)
with volume.mounted(VIEW) as view:
    site = GlusterSite(volume, view)
    one = site.host("one", SETTINGS, start=False)
    two = site.host("two", SETTINGS, start=False)
    for each in range(USERS):
        one.mailbox(f"user{each}@good.test")
tap.diag(f"GlusterFS after {time.monotonic() - began:.1f} s")
for round_ in range(1, ROUNDS + 1):
    start(one, two)
    load = Load([one.unix, two.unix], round_)
    load.wait_for(MESSAGES)
    one.kill()
    two.wait_for("took the spool over")
    load.wait_for(MESSAGES)
    paused, load.longest = load.longest, 0.0
    tap.diag(f"{round_}: the longest wait of a message was {paused:.1f} s")
    ok(paused < 60, f"{round_}: the_other_host_delivers_after_the_first_was_killed")
    volume.cut_power()
    two.kill()
    volume.start()
    start(one, two)
    load.wait_for(MESSAGES)
    load.stop()
    with volume.mounted(VIEW) as view:
        check(load, view, f"{round_}, a killed host and a power cut of all bricks")
    for host in (one, two):
        host.kill()
volume.stop()
for host in (one, two):
    host.scratch.remove()
scratch.remove()
done()
