#!/usr/bin/env python3
"""A header of 47 MB of Delivered-To: fields, for 1,000 recipients, costs a worker about as much
as other fields of that size."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from control import until, workers
from handoffd import Handoffd, is_sanitized
from lmtp import Lmtp
from processes import cpu_seconds
from tap import diag, done, is_, ok

RECIPIENTS = 1000
OCTETS = (47 << 20) // (8 if is_sanitized() else 1)
ONE = {"workers.max": 1, "workers.min-idle": 1, "workers.max-idle": 1, "recipients.lookup": "any",
       "session.max-recipients": RECIPIENTS}
# More than a hundred hops: a loop, so that nothing is delivered and only the header costs time.
HOPS = b"Received: by x.test; date\r\n" * 101

if not os.path.exists("/proc/self/stat"):
    tap.skip_all("the time of a process is read from Linux's /proc")


def cost(recipients, field, octets):
    """Returns the processor time of the worker for a message with such fields."""
    with Handoffd(ONE) as daemon, Lmtp(daemon.unix, timeout=300) as client:
        client.session("LHLO client.test", "MAIL FROM:<>")
        client.send(b"".join(b"RCPT TO:<user%d@good.test>\r\n" % n for n in range(recipients)))
        accepted = {reply.code for reply in client.replies(recipients)}
        is_((accepted, client.command("DATA").code), ({250}, 354), f"{recipients} recipients")
        [worker] = until(lambda: workers(daemon), "the worker")
        before = cpu_seconds(worker)
        lines = field * (octets // len(field) // 16)
        client.send(HOPS)
        for _ in range(16):
            client.send(lines)
        client.send(b"\r\n.\r\n")
        is_({reply.code for reply in client.replies(recipients)}, {554}, "the message is refused as a loop")
        return cpu_seconds(worker) - before


other = 4 * cost(1, b"X-Delivered: other@good.test\r\n", OCTETS // 4)
many = cost(RECIPIENTS, b"Delivered-To: other@good.test\r\n", OCTETS)
diag(f"processor time: {many:.2f} s, other fields {other:.2f} s")
ok(many < 5 * other + 1, "a thousand recipients and many Delivered-To: fields take less than five times as long")
done()
