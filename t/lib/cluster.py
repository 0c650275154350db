"""Two hosts with one spool on a real GlusterFS, clients that deliver without pause, and faults.

    peer.enter("glusterfs")
    with Cluster({"network.ping-timeout": 5}) as cluster:
        cluster.send()
        cluster.event("a host is killed", cluster.serving.kill, takes_over=True)
        cluster.check()      # no acknowledged message is lost, none is there twice

Each event reports how long no message was acknowledged. If $CLUSTER_TIMELINE names a file, check()
writes all events and acknowledgements to it (t/bench/timeline).
"""
import json
import os
import re
import threading
import time

import maildir
import tap
from gluster import Volume
from lmtp import Closed, deliver
from network import Network
from scratch import Scratch
from spool_hosts import Site
from tap import empty, is_, ok

CLIENTS, USERS = 4, 8
_VIEW = "/srv/view"
_PATIENCE = 5   # seconds that a client waits for a reply
_LIMIT = 120    # seconds in which mail must be delivered again after an event


class Load:
    """Clients that send each message, unchanged, until one of the hosts has acknowledged it."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.acknowledged = {}  # {name: recipient}
        self.times = []         # when a message was acknowledged
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True)
                         for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _send(self, number):
        count = 0
        while self._go.wait() and not self._stop.is_set():
            name, user = f"c{number}x{count}", f"user{count % USERS}@good.test"
            count += 1
            message = (f"Subject: {name}\r\nMessage-ID: <{name}@client.test>\r\n\r\n"
                       f"body of {name} end\r\n").encode()
            while not any(self._try(address, user, message) for address in self.addresses):
                if self._stop.wait(0.05):
                    return
            with self._news:
                self.acknowledged[name] = user
                self.times.append(time.monotonic())
                self._news.notify_all()

    @staticmethod
    def _try(address, user, message):
        try:
            final = deliver(address, "a@client.test", [user], message, _PATIENCE).final
        except (Closed, OSError, ValueError):
            return False
        return user in final and final[user].code == 250

    def wait_for(self, more):
        """Returns when so many further messages are acknowledged, False after a time limit."""
        with self._news:
            wanted = len(self.times) + more
            return self._news.wait_for(lambda: len(self.times) >= wanted, _LIMIT)

    def pause(self, since):
        """Returns the longest time since then in which no message was acknowledged, in seconds."""
        times = [since, *(each for each in self.times if each > since)]
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)

    def rest(self):
        """Sends nothing new until resume()."""
        self._go.clear()

    def resume(self):
        self._go.set()

    def stop(self):
        self._stop.set()
        self._go.set()
        for thread in self._threads:
            thread.join(3 * _PATIENCE)


class _Site(Site):
    def __init__(self, volume, network):
        self.network = network
        self.directory = _VIEW
        self.mount = lambda at, _options: volume.mount(at)

    def command(self, name, argv, prepare):
        return [*self.network.host(name), *super().command(name, argv, prepare, network=False)]


class Cluster:
    def __init__(self, options=None, settings=lambda address: {}, messages=40):
        """options: those of the volume. settings: returns those of handoffd on the host with this
        address, in addition to cluster.name. messages: how many have to be acknowledged after each
        event."""
        begin = time.monotonic()
        self.messages = messages
        self.scratch = Scratch()
        self.network = Network()
        self.volume = Volume(self.scratch, self.network, options)
        site = _Site(self.volume, self.network)
        with self.volume.mounted(_VIEW):
            self.hosts = [site.host(name, {"cluster.name": "mail", "workers.max": 32,
                                           **settings(self.network.address(name + ".test"))},
                                    start=False) for name in ("one", "two")]
            for number in range(USERS):
                self.hosts[0].mailbox(f"user{number}@good.test")
        self.serving, self.waiting = self.hosts
        self._events = []  # (time, name)
        self._started = 0  # the length of the log of the waiting host, when that was started
        self.load = None
        self.start()
        tap.diag(f"ready after {time.monotonic() - begin:.1f} s")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.load:
            self.load.stop()
        for host in self.hosts:
            if host.running:
                host.kill()
            host.scratch.remove()
        self.volume.kill()
        self.scratch.remove()

    def send(self, load=None):
        """Begins to send, by an object like Load."""
        self.load = load or Load([host.unix for host in self.hosts])
        if not ok(self.load.wait_for(self.messages), "messages_are_delivered"):
            self.explain()

    def start(self):
        """Starts both hosts; the same one serves as before."""
        self.serving.ready = r"\bready\b"
        self.serving.start()
        self._start_to_wait(self.waiting)

    def _start_to_wait(self, host):
        self._started = len(host.log)
        host.ready = "waiting for the spool"
        host.start()

    def explain(self):
        for host in self.hosts:
            tap.diag(f"{host.name} logged last:\n" + "\n".join(host.log[-30:]))

    def event(self, what, fault, takes_over=None):
        """Causes a fault, and waits until mail is delivered again. takes_over: whether the other
        host has to take the spool over; None if both are right."""
        sentence = what.replace(" ", "_")
        since = time.monotonic()
        self._events.append((since, what))
        fault()
        delivered = self.load.wait_for(self.messages)
        if not ok(delivered, f"{sentence}: mail_is_delivered_again"):
            self.explain()
        took = any(re.search(r"\bready\b", line) for line in self.waiting.log[self._started:])
        tap.diag(f"{what}: no message was acknowledged for {self.load.pause(since):.1f} s"
                 + (", the other host took the spool over" if took else ""))
        if takes_over is not None:
            is_(took, takes_over, f"{sentence}: the_other_host_takes_over")
        if took:
            self._exchange(sentence)
        ok(self.waiting.running, f"{sentence}: one_host_waits")

    def _exchange(self, sentence):
        """The serving host has lost the spool. Starts it again, as a service manager would."""
        loser, self.serving, self.waiting = self.serving, self.waiting, self.serving
        if loser.running:
            is_(loser.wait(), 75, f"{sentence}: the_first_host_ends")
        self._start_to_wait(loser)

    def cut(self, seconds):
        """Cuts the serving host off from the storage for this time."""
        name = self.serving.name
        self.network.cut(name)
        time.sleep(seconds)  # the length of the cut is what is tested
        self.network.join(name)

    def lose_power(self):
        """All storage hosts lose power and start again."""
        self.volume.cut_power()
        self.volume.start()

    def lose_all_power(self):
        """All hosts lose power and start again."""
        self.volume.cut_power()
        for host in self.hosts:
            if host.running:
                host.kill()
        self.volume.start()
        self.start()

    def stop_serving(self):
        is_(self.serving.stop(), 0, "a_host_that_is_stopped_ends")

    def check(self):
        """Compares the mailboxes with the acknowledged messages."""
        load, self.load = self.load, None
        load.stop()
        there = {}
        with self.volume.mounted(_VIEW) as view:
            for number in range(USERS):
                for octets in maildir.messages(os.path.join(view, "good.test", f"user{number}")):
                    name = octets.split(b"body of ")[1].split()[0].decode()
                    there.setdefault(name, []).append(number)
        if "CLUSTER_TIMELINE" in os.environ:
            begin = min(load.times)
            with open(os.environ["CLUSTER_TIMELINE"], "w", encoding="ascii") as file:
                json.dump({"times": [each - begin for each in load.times],
                           "events": [(when - begin, what) for when, what in self._events]}, file)
        acknowledged = load.acknowledged
        lost = [name for name in acknowledged if name not in there]
        doubled = {name: where for name, where in there.items() if len(where) > 1}
        tap.diag(f"{len(acknowledged)} acknowledged, {len(lost)} lost, {len(doubled)} doubled")
        empty(lost, "no_acknowledged_message_is_lost")
        if not empty(doubled.items(), "no_message_is_there_twice"):
            for host in self.hosts:
                said = [line for line in host.log if "took the spool over" in line
                        or any(f"<{name}@client.test>" in line for name in doubled)]
                tap.diag(f"{host.name} logged about them:\n" + "\n".join(said))
