"""A queue manager, as the scenarios see it; one file for each kind has the rest.

    class Postfix(Mta): ...
    mta.inject("sender@good.test", ["user@good.test"], octets)   # it has the message and tries
    mta.drain()                        # everything in its queue is tried until nothing is left
    mta.said("user@good.test")         # what its log says of that recipient: [(DEFERRED, line)]
"""
import collections
import os
import time

from daemon import DEADLINE
from tap import diag

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SENT, DEFERRED, BOUNCED = "sent", "deferred", "bounced"

# What was said of a recipient, and the line of the log that says it.
Said = collections.namedtuple("Said", "recipient outcome line")


def snippet(path, **replacements):
    """A file of contrib/ without its comments, as an administrator would take it over."""
    with open(os.path.join(TOP, "contrib", path), encoding="ascii") as file:
        text = "".join(line for line in file if not line.lstrip().startswith("#"))
    for old, new in replacements.items():
        old = {"domain": "example.org"}.get(old, old)
        if old not in text:
            raise RuntimeError(f"contrib/{path} has no {old}")
        text = text.replace(old, new)
    return text


def until(holds, what, deadline=DEADLINE, between=lambda: None):
    """Waits until holds() does; between() is done before each look but the first."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)
        between()


class Mta:
    transactions = {}   # domain: how many it takes for 50 recipients, if not one
    # What its log says where its client died of the end of a connection, if it takes that for a
    # failure for good.
    client_died = None
    # What its log says where its client has read the reply to a message, got none to its QUIT, and
    # sends the message again. Nobody can know that of a client which has said QUIT.
    wants_goodbye = None
    bare_octets = ()    # domains to which it sends an address beyond ASCII without saying SMTPUTF8
    keeps_unknown = ()  # domains for whose unknown recipients it tries again all the same

    def sends_utf8(self, domain):
        """Whether it can send to an address beyond ASCII in that domain."""
        return False

    def inject(self, sender, recipients, octets):
        """Returns when the message is in the queue, or delivered."""
        raise NotImplementedError

    def flush(self):
        """Has everything in the queue tried now."""
        raise NotImplementedError

    def remove(self, recipient):
        """Takes it out of the queue, where keeps_unknown makes that necessary."""
        raise NotImplementedError

    def queued(self):
        """Whether anything is in the queue."""
        raise NotImplementedError

    def log(self):
        """Returns the lines so far."""
        raise NotImplementedError

    def outcomes(self, line):
        """Returns the (recipient, outcome)s that a line of the log tells of."""
        raise NotImplementedError

    def said(self, recipient=None):
        return [Said(each, outcome, line) for line in self.log()
                for each, outcome in self.outcomes(line) if recipient in (None, each)]

    def wait_for(self, recipient, outcome):
        """Waits until the log has it; returns the line."""
        def found():
            return [each.line for each in self.said(recipient) if each.outcome == outcome]
        try:
            until(found, f"{recipient} is never {outcome}")
        except TimeoutError:
            diag("\n".join(self.log()[-20:]))
            raise
        return found()[-1]

    def drain(self, deadline=2 * DEADLINE):
        """Flushes until the queue is empty."""
        flushed = [0.0]

        def again():
            # What is under way passes over a flush: not one after the other.
            if time.monotonic() - flushed[0] > 2:
                flushed[0] = time.monotonic()
                self.flush()
        try:
            until(lambda: not self.queued(), "the queue does not get empty", deadline, again)
        except TimeoutError:
            diag("\n".join(self.log()[-30:]))
            raise


def by_class(digit):
    """The outcome for the first digit of an enhanced status code."""
    return {"2": SENT, "4": DEFERRED, "5": BOUNCED}[digit]
