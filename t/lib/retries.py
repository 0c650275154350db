"""Clients that send unanswered messages again, as queue managers do, and a count of the copies.

    sender = Sender(address, 'name', users, stop)   # a thread; stop: a threading.Event
    sender.acknowledged                             # [(name, recipient, when)]: their 250 was read
    copies, damaged = found(daemon, users)          # {(name, recipient): copies}, [files]
"""
import os
import random
import re
import select
import signal
import socket
import struct
import threading
import time

import lmtp
from processes import children, open_processes

SIZES = (200, 4000, 4000, 200000)   # approximate sizes of messages, in octets


def text(name, size):
    """Returns a message that contains its name and shows whether it is complete."""
    filler = (name + "\r\n") * (size // (len(name) + 2))
    return f"Subject: {name}\r\nX-Name: {name}\r\n\r\n{filler}end of {name}\r\n".encode()


def kill(pids):
    """Kills the processes that still run, and waits for their end."""
    ends = []
    for pid in pids:
        try:
            ends.append(os.pidfd_open(pid))
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _wait_for(ends)


def _wait_for(ends):
    for end in ends:
        select.select([end], [], [], 30)
        os.close(end)


def kill_all(daemon):
    """Kills the server with all its processes, waits for their end, and starts it again."""
    ends = open_processes(children(daemon.pid))
    os.killpg(daemon.pid, signal.SIGKILL)  # including a worker that is just starting
    _wait_for(ends)
    daemon.process.wait()
    daemon.start()


def cut(client, octets):
    """A `transfer` that usually disconnects: before the end of the dot, after it, or during the
    replies."""
    data = lmtp.stuffed(octets)
    kind = random.randrange(4)
    if kind == 0:  # within the last five octets: CR LF . CR LF
        client.send(data[:len(data) - random.randint(1, 5)])
    else:
        client.send(data)
    if kind == 3:
        return  # and stays connected this time
    if kind == 2:
        client.socket.recv(random.randint(1, 30))
    if random.random() < 0.5:  # a reset, as from a machine that has crashed
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    raise lmtp.Closed("we have vanished")


def found(daemon, users):
    """Returns {(name, recipient): copies} and the files that are truncated or empty."""
    copies, damaged = {}, []
    for user in users:
        new = os.path.join(daemon.mailbox_path(user), "new")
        for entry in os.listdir(new) if os.path.isdir(new) else []:
            with open(os.path.join(new, entry), "rb") as file:
                octets = file.read()
            match = re.search(rb"^X-Name: (\S+)$", octets, re.M)
            size = re.search(r",S=(\d+)$", entry)
            if not match or int(size[1]) != len(octets) or \
                    not octets.endswith(b"end of " + match[1] + b"\n"):
                damaged.append(entry)
                continue
            key = (match[1].decode(), user)
            copies[key] = copies.get(key, 0) + 1
    return copies, damaged


class Sender(threading.Thread):
    """Sends messages one after the other until stopped, each until the 250 for every recipient was
    read. `transfer(client, octets)` sends the content; an exception from it ends the connection.
    `make(name, size)` returns a message."""

    def __init__(self, address, prefix, users, stop, transfer=None, make=text):
        super().__init__(daemon=True)
        self.make = make
        self.address, self.prefix, self.users, self.stop = address, prefix, users, stop
        self.transfer = transfer or (lambda client, octets: client.send(lmtp.stuffed(octets)))
        self.acknowledged = []
        self.tries = 0
        self.fault = None

    def run(self):
        count = 0
        while not self.stop.is_set():
            count += 1
            name = f"{self.prefix}-{count}"
            left = random.sample(self.users, min(len(self.users), random.choice((1, 1, 1, 2, 4))))
            octets = self.make(name, random.choice(SIZES))
            end = time.monotonic() + 60
            while left:
                if time.monotonic() > end:
                    self.fault = f"{name} has no answer for {left}"
                    return
                self.tries += 1
                try:
                    self._send(name, octets, left)
                except (OSError, ValueError, lmtp.Closed):
                    time.sleep(0.01)  # the server is down; a queue manager would wait longer

    def _send(self, name, octets, left):
        with lmtp.Lmtp(self.address) as client:
            client.command("LHLO client.test")
            if client.command("MAIL FROM:<a@example.net>").code != 250:
                return
            asked = [each for each in left
                     if client.command(f"RCPT TO:<{each}>").code == 250]
            if not asked or client.command("DATA").code != 354:
                return
            self.transfer(client, octets)
            for recipient in asked:
                if client.reply().code == 250:
                    self.acknowledged.append((name, recipient, time.monotonic()))
                    left.remove(recipient)
            client.command("QUIT")
