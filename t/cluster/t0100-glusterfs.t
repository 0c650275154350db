#!/usr/bin/env python3
"""Two hosts with one spool on a real GlusterFS, under load: hosts are killed and cut off, storage
hosts die, and everything loses power. No acknowledged message is lost, and none is delivered twice.

    contrib/peers glusterfs && t/cluster/t0100-glusterfs.t [EVENT...]

Takes about ten minutes. CLUSTER_PING_TIMEOUT: network.ping-timeout of the volume, in seconds (42, GlusterFS's
default). CLUSTER_ROUNDS: how often the events take place (1)."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hosts
import peer
import tap

peer.enter("glusterfs")
if not hosts.can():
    tap.skip_all("not root, or no namespaces")
from cluster import Cluster

PING = int(os.environ.get("CLUSTER_PING_TIMEOUT", "42"))
ROUNDS = int(os.environ.get("CLUSTER_ROUNDS", "1"))


def stop():
    cluster.event("the serving host is stopped", cluster.stop_serving, takes_over=True)


def kill():
    cluster.event("the serving host is killed", lambda: cluster.serving.kill(), takes_over=True)


def kill_store():
    store = cluster.volume.stores[-1]
    cluster.event("a storage host is killed", store.kill, takes_over=False)
    cluster.event("it starts again", cluster.volume.start, takes_over=False)


def cut_store():
    """The storage hosts and their clients notice this after the ping timeout."""
    def cut():
        cluster.network.cut("store3")
        time.sleep(PING + 10)  # the length of the cut is what is tested
    cluster.event("a storage host is cut off", cut)
    cluster.event("it is back", lambda: cluster.network.join("store3"), takes_over=False)


def cut_12():
    cluster.event("the serving host is cut off for 12 s", lambda: cluster.cut(12))


def cut_long():
    cluster.event(f"the serving host is cut off for {PING + 20} s",
                  lambda: cluster.cut(PING + 20), takes_over=True)


def power_of_stores():
    cluster.event("all storage hosts lose power", cluster.lose_power, takes_over=False)


def power():
    cluster.event("all hosts lose power", cluster.lose_all_power, takes_over=False)


def power_at_rest():
    """Without deliveries, each storage host writes its disk at times of its own."""
    def cut():
        cluster.load.rest()
        time.sleep(12)  # more than the five seconds after which ext4 writes its journal
        cluster.lose_all_power()
        cluster.load.resume()
    cluster.event("all hosts lose power at rest", cut, takes_over=False)


EVENTS = [stop, kill, cut_store, kill_store, cut_12, cut_long, power_of_stores, power, power_at_rest]
# The storage hosts notice a lost client by keepalives, and keep its locks until then.
options = {"network.ping-timeout": PING}
if PING < 42:
    options.update({"server.tcp-user-timeout": PING, "server.keepalive-time": PING // 2,
                    "server.keepalive-interval": 1, "server.keepalive-count": 3})
chosen = [each for each in EVENTS if len(sys.argv) == 1 or each.__name__ in sys.argv[1:]]
with Cluster(options) as cluster:
    cluster.send()
    for _ in range(ROUNDS):
        for event in chosen:
            event()
    cluster.check()
tap.done()
