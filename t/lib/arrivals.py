"""Delivers mail continuously while a reader uses the mailboxes, and counts what the reader has
received.

    with Arrivals(daemon.unix, users) as mail:
        ...                             # run a reader here; messages arrive all the time
        mail.each_goes_on()             # waits until each client sends a later message
    mail.of(user)                       # Counter of the names of messages that this user must have
    copies, damaged = account(octets)   # the same for a reader's messages, and the incomplete ones
"""
import collections
import random
import re
import threading

import lmtp
import maildir
from mta import until
from retries import SIZES, Sender, text

CLIENTS = 3


class Arrivals:
    def __init__(self, address, users, pause=0.15):
        """pause: the maximum number of seconds between the halves of a message."""
        self._pause = pause
        self._stop = threading.Event()
        self._senders = [Sender(address, f"client{number}", users, self._stop, self._transfer)
                         for number in range(CLIENTS)]

    def __enter__(self):
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for sender in self._senders:
            sender.join(90)

    @property
    def faults(self):
        return [sender.fault for sender in self._senders if sender.fault]

    @property
    def count(self):
        """Returns the number of acknowledged messages, counted for each recipient."""
        return sum(len(sender.acknowledged) for sender in self._senders)

    def each_goes_on(self):
        """Waits until each client sends a later message, so that earlier ones and their retries are
        over."""
        before = [len(sender.acknowledged) for sender in self._senders]
        until(lambda: all(len({name for name, *_ in sender.acknowledged[since:]}) > 1
                          for sender, since in zip(self._senders, before)), "each client goes on")

    def of(self, user):
        return collections.Counter(name for sender in self._senders
                                   for name, recipient, _ in sender.acknowledged
                                   if recipient == user)

    def _transfer(self, client, octets):
        """Simulates a slow client, so that half-sent messages exist while a reader runs or a
        process is killed."""
        octets = lmtp.stuffed(octets)
        client.send(octets[:len(octets) // 2])
        self._stop.wait(random.uniform(0, self._pause))
        client.send(octets[len(octets) // 2:])


def _name(octets):
    """Returns the name of a complete message, None for an incomplete one."""
    found = re.search(rb"^X-Name: (\S+)$", octets, re.M)
    if not found:
        return None
    # The line that mbsync adds to its copies.
    octets = re.sub(rb"^X-TUID: .*\n", b"", octets, flags=re.M)
    name = found[1].decode()
    got = maildir.without_trace(octets, b"Subject: " + found[1])
    whole = [text(name, size).replace(b"\r\n", b"\n") for size in set(SIZES)]
    return name if got in whole else None


def account(messages):
    """messages: the octets of each. Returns {name: copies} and the beginnings of incomplete
    ones."""
    copies, damaged = collections.Counter(), []
    for octets in messages:
        name = _name(octets)
        if name:
            copies[name] += 1
        else:
            damaged.append(octets[:200])
    return copies, damaged
