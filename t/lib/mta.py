"""The interface of queue managers for the scenarios. Each kind is implemented in a file of its own.

    class Postfix(Mta): ...
    mta.inject("sender@good.test", ["user@good.test"], octets)   # the message is queued and tried
    mta.drain()                        # retries everything until the queue is empty
    mta.said("user@good.test")         # its log entries about that recipient: [(DEFERRED, line)]
"""
import collections
import os
import time

from daemon import DEADLINE
from tap import diag

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SENT, DEFERRED, BOUNCED = "sent", "deferred", "bounced"

# The outcome for a recipient, and the line of the log that reports it.
Said = collections.namedtuple("Said", "recipient outcome line")


def snippet(path, **replacements):
    """Returns a file of contrib/ without its comments."""
    with open(os.path.join(TOP, "contrib", path), encoding="ascii") as file:
        text = "".join(line for line in file if not line.lstrip().startswith("#"))
    for old, new in replacements.items():
        old = {"domain": "example.org"}.get(old, old)
        if old not in text:
            raise RuntimeError(f"contrib/{path} has no {old}")
        text = text.replace(old, new)
    return text


def until(holds, what, deadline=DEADLINE, between=lambda: None):
    """Waits until holds() is true. between() is called before each check except the first."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)
        between()


class Mta:
    transactions = {}   # {domain: number of transactions for 50 recipients, if not one}
    # If it treats the death of its client as a permanent failure: a pattern in its log that shows
    # that the client died because the connection ended.
    client_died = None
    # A pattern in its log that shows that its client sends a message again although it has read the
    # reply, because QUIT was not answered. A server cannot detect this.
    wants_goodbye = None
    bare_octets = ()    # domains to which it sends non-ASCII addresses without SMTPUTF8
    keeps_unknown = ()  # domains for which it retries unknown recipients

    def sends_utf8(self, domain):
        """Returns whether it can send to a non-ASCII address in that domain."""
        return False

    def inject(self, sender, recipients, octets):
        """Returns after the message was queued or delivered."""
        raise NotImplementedError

    def flush(self):
        """Retries everything in the queue now."""
        raise NotImplementedError

    def remove(self, recipient):
        """Removes the message for this recipient, whose domain is in keeps_unknown, from the
        queue."""
        raise NotImplementedError

    def queued(self):
        """Returns whether anything is in the queue."""
        raise NotImplementedError

    def log(self):
        """Returns the log lines so far."""
        raise NotImplementedError

    def outcomes(self, line):
        """Returns each (recipient, outcome) that a line of the log reports."""
        raise NotImplementedError

    def said(self, recipient=None):
        return [Said(each, outcome, line) for line in self.log()
                for each, outcome in self.outcomes(line) if recipient in (None, each)]

    def wait_for(self, recipient, outcome):
        """Waits until the log reports this outcome; returns the line."""
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
            # A flush skips messages that are being delivered, so do not flush all the time.
            if time.monotonic() - flushed[0] > 2:
                flushed[0] = time.monotonic()
                self.flush()
        try:
            until(lambda: not self.queued(), "the queue does not get empty", deadline, again)
        except TimeoutError:
            diag("\n".join(self.log()[-30:]))
            raise


def by_class(digit):
    """Returns the outcome for the first digit of an enhanced status code."""
    return {"2": SENT, "4": DEFERRED, "5": BOUNCED}[digit]
