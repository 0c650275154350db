#!/usr/bin/env python3
"""Postfix, which retries, and HAProxy in front of two hosts with one spool on GlusterFS, with the
files of contrib/cluster: hosts are killed and cut off. Each message is delivered once.

    contrib/peers glusterfs && t/cluster/t0110-postfix.t"""
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hosts
import peer
import tap

peer.enter("glusterfs")
if not hosts.can():
    tap.skip_all("not root, or no namespaces")
from cluster import USERS, Cluster
from daemon import Daemon
from mta import snippet
from network import Network
from postfix import Postfix
from tap import done, empty

# Postfix tries again after these times, in seconds, and not after those of contrib.
TIMES = {"minimal_backoff_time = 30s": "minimal_backoff_time = 2s\nmaximal_backoff_time = 4s",
         "queue_run_delay = 30s": "queue_run_delay = 2s"}
WAITING = 30  # messages in the queue, beyond which nothing is sent


class Mail:
    """Messages that are given to Postfix without pause."""

    def __init__(self, postfix):
        self.postfix = postfix
        self.acknowledged = {}  # what Postfix has accepted
        self.times = []         # when it has delivered a message
        self._seen = 0          # lines of its log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _look(self):
        lines = self.postfix.daemon.log[self._seen:]
        self._seen += len(lines)
        sent = sum("status=sent" in line for line in lines)
        self.times += [time.monotonic()] * sent

    def _run(self):
        while not self._stop.wait(0.02):
            self._look()
            if len(self.acknowledged) - len(self.times) < WAITING:
                name = f"p{len(self.acknowledged)}"
                user = f"user{len(self.acknowledged) % USERS}@good.test"
                self.postfix.inject("a@client.test", [user],
                                    f"Subject: {name}\n\nbody of {name} end\n".encode())
                self.acknowledged[name] = user

    def wait_for(self, more):
        wanted, end = len(self.times) + more, time.monotonic() + 180
        while len(self.times) < wanted and time.monotonic() < end:
            time.sleep(0.05)
        return len(self.times) >= wanted

    def pause(self, since):
        times = [since, *(each for each in self.times if each > since)]
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)

    def stop(self):
        self._stop.set()
        self._thread.join()
        self.postfix.drain()


def settings(address):
    here = Network.own_address
    return {"listen": f"tcp:{address}:24", "allow": here, "trusted": here, "proxy-protocol": here,
            "workers.max-per-client": 0}


with Cluster({"network.ping-timeout": 10}, settings) as cluster:
    addresses = {"192.0.2.10": Network.own_address,
                 "192.0.2.11": cluster.network.address("one.test"),
                 "192.0.2.12": cluster.network.address("two.test"),
                 "example.org": "good.test", **TIMES}
    texts = [snippet("cluster/haproxy.cfg"), snippet("cluster/main.cf")]
    for old, new in addresses.items():
        texts = [text.replace(old, new) for text in texts]
    haproxy = Daemon(cluster.scratch, ["haproxy", "-db", "-f",
                                       cluster.scratch.file("haproxy.cfg", texts[0])])
    postfix = Postfix(cluster.scratch, texts[1] + "inet_interfaces = all\n")
    cluster.send(Mail(postfix))
    cluster.event("the serving host is stopped", cluster.stop_serving, takes_over=True)
    cluster.event("the serving host is killed", lambda: cluster.serving.kill(), takes_over=True)
    cluster.event("the serving host is cut off for 12 s", lambda: cluster.cut(12))
    cluster.event("the serving host is cut off for 30 s", lambda: cluster.cut(30), takes_over=True)
    cluster.event("all hosts lose power", cluster.lose_all_power, takes_over=False)
    cluster.check()
    empty([line for line in postfix.log() if re.search(r"status=bounced", line)], "nothing_bounces")
    haproxy.stop()
    postfix.stop()
done()
