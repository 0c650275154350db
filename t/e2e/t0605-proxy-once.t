#!/usr/bin/env python3
"""X13, RFC 1047: a message that is sent again through a proxy, because the reply to the first try
was lost anywhere on the way, is delivered once."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from backend import Backend
from control import until
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from scratch import Scratch
from tap import done, is_, ok, skip_all

if not parts.has("cdb"):
    skip_all("this handoffd was built without tinycdb, so there is no file: lookup")

WHO = "pat@example.org"
TRIALS = 6


def message(name):
    return (f"Received: from mx by queue; Mon, 1 Jan 2024 00:00:00 +0000\r\nSubject: {name}\r\n"
            f"Message-ID: <{name}@example.org>\r\n\r\nbody of {name}\r\n").encode()


def begin(address, recipients):
    client = Lmtp(address)
    client.session("LHLO client.test", "MAIL FROM:<a@example.net>",
                   *[f"RCPT TO:<{each}>" for each in recipients], "DATA")
    return client


def hand_over(address, text, recipients):
    with begin(address, recipients) as client:
        client.send(stuffed(text))
        codes = [reply.code for reply in client.replies(len(recipients))]
        client.command("QUIT")
        client.at_end()
        return codes


def copies(backend, name, who=WHO):
    return sum(f"body of {name}\n".encode() in each for each in backend.messages(who))


def worker_of(daemon, name):
    """Returns the worker that logged the delivery of this message."""
    line = next(each for each in daemon.log if f"<{name}@example.org>" in each)
    return int(re.search(r"handoffd\[(\d+)\]", line)[1])


def lose_by_closing(daemon, client, name, before):
    daemon.wait_for(rf"delivered .*<{name}@example.org>", before)
    client.close()
    daemon.wait_for("replies unread", before)


def lose_by_killing(daemon, client, name, _):
    daemon.wait_for(rf"delivered .*<{name}@example.org>")
    os.kill(worker_of(daemon, name), signal.SIGKILL)
    client.close()


with Handoffd({"log.level": "debug", "duplicates.guard": "on"}, tcp=True) as backend:
    for who in (WHO, "lee@example.org"):
        backend.mailbox(who)
    port = backend.tcp.rpartition(":")[2]
    scratch = Scratch()
    table = scratch.file("recipients", f"{WHO} host=127.0.0.1 port={port}\n"
                         f"lee@example.org host=127.0.0.1 port={port}\nkim@example.org\n")
    with Handoffd({"recipients.lookup": f"file:{table}", "log.level": "debug"}, tcp=True,
                  scratch=scratch) as daemon:
        for kind, address, lose, recipients in (
                ("unix", daemon.unix, lose_by_closing, (WHO,)),
                ("tcp", daemon.tcp, lose_by_closing, (WHO,)),
                ("killed", daemon.unix, lose_by_killing, (WHO,)),
                ("mixed", daemon.unix, lose_by_closing, ("kim@example.org", WHO, "lee@example.org"))):
            once = []
            for trial in range(TRIALS):
                name = f"{kind}-{trial}"
                before = len(daemon.log)
                client = begin(address, recipients)
                client.send(stuffed(message(name)))
                lose(daemon, client, name, before)
                codes = hand_over(address, message(name), recipients)
                once.append((codes, copies(backend, name)))
            is_(once, [([250] * len(recipients), 1)] * TRIALS,
                f"{kind}: a message whose reply was not read is delivered once, {TRIALS} of {TRIALS}")
        is_([len([m for m in daemon.messages("kim@example.org") if b"mixed-" in m]),
             len([m for m in backend.messages("lee@example.org") if b"mixed-" in m])],
            [TRIALS, TRIALS], "mixed: recipients here get the message once too")

        for _ in range(2):
            hand_over(daemon.unix, message("read"), (WHO,))
        is_(copies(backend, "read"), 2, "equal octets after the replies were read are a new message")

with Backend() as backend:
    scratch = Scratch()
    table = scratch.file("recipients", f"{WHO} host=127.0.0.1 port={backend.port}\n")
    with Handoffd({"recipients.lookup": f"file:{table}", "log.level": "debug"},
                  scratch=scratch) as daemon:
        client = begin(daemon.unix, (WHO,))
        client.send(stuffed(message("silent")))
        daemon.wait_for("delivered .*<silent@example.org>")
        ok("RSET" not in backend.commands,
           "the backend gets no further command before the client has read its reply")
        client.reply()
        client.command("NOOP")
        until(lambda: backend.commands[-1] == "RSET", "RSET at the backend")
        ok(True, "the backend gets the next command as soon as the client has read its reply")
        client.close()

done()
