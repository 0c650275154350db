#!/usr/bin/env python3
"""RFC 1047, L12: if a client has read its replies and stays connected, an equal message is stored a
second time; and equal messages over connections that stay open do not wait for each other."""
import concurrent.futures
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import tap
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from tap import is_, ok

WHO = "pat@example.org"
MANY = 20


def message(name):
    return f"Subject: {name}\r\n\r\nbody of {name}\r\n".encode()


def begin(address):
    """Sends everything up to the reply to DATA."""
    client = Lmtp(address)
    client.session("LHLO client.test", "MAIL FROM:<a@example.net>", f"RCPT TO:<{WHO}>", "DATA")
    return client


def hand_over(address, text):
    """Delivers, reads the reply, and stays connected."""
    client = begin(address)
    client.send(stuffed(text))
    if (code := client.reply().code) != 250:
        raise RuntimeError(f"{code} for {text!r}")
    return client


def hand_over_at_once(address, text, count):
    """Delivers the message over `count` connections at the same time. Each client reads its reply
    when it arrives, and stays connected. Returns the connections and the replies' codes."""
    clients = [begin(address) for _ in range(count)]
    for client in clients:
        client.send(stuffed(text))
    with concurrent.futures.ThreadPoolExecutor(count) as readers:
        return clients, [reply.code for reply in readers.map(Lmtp.reply, clients)]


def copies(daemon, name):
    return sum(f"body of {name}\n".encode() in each for each in daemon.messages(WHO))


def is_stored_again(daemon, address, name, how):
    hand_over(address, message(name)).close()
    is_(copies(daemon, name), 2, how)


with Handoffd({"workers.max": 2 * MANY, "workers.max-per-client": 0}, tcp=True) as daemon:
    daemon.mailbox(WHO)
    for kind, address in (("unix", daemon.unix), ("tcp", daemon.tcp)):
        # A unix socket shows that the replies were read; over TCP only the way in which the client
        # closes shows it.
        name = f"{kind}-reload"
        client = hand_over(address, message(name))
        before = len(daemon.log)
        is_(control.ctl(daemon, "reload").returncode, 0, "a reload")
        if kind == "tcp":
            is_(client.reply().code, 421, "tcp: after a reload an idle client reads 421")
            client.close()
        control.until(lambda: control.status(daemon)["pool"]["departing"] == 0,
                      "the old workers have gone")
        ok(not any("replies unread" in line for line in daemon.log[before:]),
           f"{kind}: replies that were read before a 421 are known to be read")
        is_stored_again(daemon, address, name, f"{kind}: after a reload an equal message is stored")
        client.close()

    # Clients that send one after the other, and clients that send at once.
    start = time.monotonic()
    clients = [hand_over(daemon.unix, message("in turn")) for _ in range(MANY)]
    took = time.monotonic() - start
    is_(copies(daemon, "in turn"), MANY, f"{MANY} equal messages in turn are all stored")
    ok(took < 10, f"equal messages in turn take less than 10 seconds ({took:.1f})")
    for client in clients:
        client.close()
    start = time.monotonic()
    clients, codes = hand_over_at_once(daemon.unix, message("at once"), MANY)
    took = time.monotonic() - start
    is_(codes, [250] * MANY, f"{MANY} equal messages at once are answered with 250")
    is_(copies(daemon, "at once"), MANY, f"{MANY} equal messages at once are all stored")
    ok(took < 10, f"equal messages at once take less than 10 seconds ({took:.1f})")
    for client in clients:
        client.close()

    # A client that reads its reply late: the server notices that the reply was read.
    late = begin(daemon.unix)
    before = len(daemon.log)
    late.send(stuffed(message("late")))
    daemon.wait_for("delivered ", before)
    second = begin(daemon.unix)
    second.send(stuffed(message("late")))
    is_(late.reply().code, 250, "a client reads its reply while an equal message waits")
    is_(second.reply().code, 250, "after that the equal message is answered")
    is_(copies(daemon, "late"), 2, "the equal message is stored, because the first client has read its reply")
    late.close()
    second.close()

    # Over TCP nothing shows whether a client that stays connected and sends nothing has read its
    # reply, so an equal message is taken for a retry. The server waits one second in total for it.
    start = time.monotonic()
    clients, codes = hand_over_at_once(daemon.tcp, message("tcp-together"), MANY)
    took = time.monotonic() - start
    is_(codes, [250] * MANY, "tcp: all messages are answered with 250")
    ok(took < 10, f"tcp: all messages take less than 10 seconds ({took:.1f})")
    is_(copies(daemon, "tcp-together"), 1, "tcp: all are taken for one message, as handoffd.conf(5) says")
    for client in clients:
        client.close()

    # Clients that end their sessions have read their replies.
    for _ in range(MANY):
        with hand_over(daemon.tcp, message("tcp-in-turn")) as client:
            client.command("QUIT")
    is_(copies(daemon, "tcp-in-turn"), MANY, "tcp: equal messages of sessions that end with QUIT are all stored")

    # A stop.
    clients = [hand_over(address, message(f"stop-{index}"))
               for index, address in enumerate((daemon.unix, daemon.tcp))]
    daemon.signal(signal.SIGTERM)
    is_(clients[1].reply().code, 421, "tcp: at a stop an idle client reads 421")
    clients[1].close()
    is_(daemon.wait(), 0, "the server has ended")
    clients[0].close()
    daemon.start()
    for index, kind in enumerate(("unix", "tcp")):
        is_stored_again(daemon, daemon.unix, f"stop-{index}",
                        f"{kind}: after a stop an equal message is stored")

with Handoffd({"session.command-timeout": "1s"}, tcp=True) as daemon:
    daemon.mailbox(WHO)
    for kind, address in (("unix", daemon.unix), ("tcp", daemon.tcp)):
        name = f"{kind}-timeout"
        client = hand_over(address, message(name))
        before = len(daemon.log)
        daemon.wait_for(r"timeout ", before)
        if kind == "tcp":
            is_(client.reply().code, 421, "tcp: at the timeout an idle client reads 421")
            client.close()
        is_stored_again(daemon, address, name, f"{kind}: after a timeout an equal message is stored")
        client.close()

tap.done()
