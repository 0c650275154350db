#!/usr/bin/env python3
"""X13: if the mailbox of a recipient is at another host, that host is asked at RCPT and gets the
content unchanged, and its reply is passed on. If a host is down, slow or dies, only its own
recipients are deferred."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import lmtp
import parts
import processes
from backend import Backend
from handoffd import Handoffd, free_port, is_sanitized
from lmtp import Lmtp, stuffed
from lookups import rcpt, replies
from scratch import Scratch
from tap import done, is_, ok, skip_all

if not parts.has("cdb"):
    skip_all("this handoffd was built without tinycdb, so there is no file: lookup")

MESSAGE = b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\nSubject: x\r\n\r\n.dot\r\n..\r\nx\r\n"
ODD = (b"Return-Path: <old@example.net>\r\nSubject: gr\xc3\xbc\xc3\x9fe\r\n\r\n"
       b".\r\n..\r\nbare\nnewline\n.\nand\rreturn\r\nno end")


def deliver(address, sender, recipients, message, timeout=30):
    """Returns the final replies, in the order of the recipients."""
    final = lmtp.deliver(address, sender, recipients, message, timeout).final
    return [final[each] for each in recipients]


def table(scratch, **hosts):
    """Writes a table: {user: port of the host, or None: here}; returns the lookup."""
    lines = [f"{user}@example.org" + (f" host=127.0.0.1 port={port}" if port else "") + "\n"
             for user, port in hosts.items()]
    return "file:" + scratch.file("recipients", "".join(lines))


def proxy(hosts, settings=None):
    scratch = Scratch()
    found = table(scratch, **hosts)
    return Handoffd({"recipients.lookup": found, **(settings or {})}, tcp=True, scratch=scratch)


def port_of(daemon):
    return int(daemon.tcp.rpartition(":")[2])


with Handoffd({"log.level": "debug"}, tcp=True) as backend:
    for user in ("pat", "lee"):
        backend.mailbox(f"{user}@example.org")
    there = port_of(backend)
    with proxy({"pat": there, "lee": there, "nobody": there, "kim": None}) as daemon:
        asked = replies(daemon, "pat@example.org", "nobody@example.org", "who@example.org",
                        "kim@example.org")
        is_([(r.code, r.enhanced) for r in asked],
            [(250, "2.1.5"), (550, "5.1.1"), (550, "5.1.1"), (250, "2.1.5")],
            "the host that has the mailbox is asked at RCPT")
        ok("no such mailbox here" in str(asked[1]), "the reply of that host to RCPT is passed on")
        for address, reply in (("pat@example.org", asked[0]), ("nobody@example.org", asked[1])):
            told = json.loads(control.ctl(daemon, "explain", "--json", address).stdout)
            is_((told["verdict"], told["backend"]["host"], told["mailbox"]),
                (f"{reply.code} {reply.lines[0]}", f"127.0.0.1:{there}", None),
                f"explain asks the backend for {address}")
        got = deliver(daemon.unix, "s@example.net", ["pat@example.org", "kim@example.org",
                                                     "lee@example.org"], MESSAGE)
        is_([r.code for r in got], [250, 250, 250], "one transaction can have recipients here and at another host")
        stored = backend.messages("pat@example.org")
        is_(len(stored), 1, "the message is in the mailbox at the backend")
        ok(stored[0].endswith(MESSAGE.replace(b"\r\n", b"\n")), "the content is unchanged at the backend")
        is_(stored[0].count(b"Received:"), 2, "the proxy adds no Received: line")
        is_((len(backend.messages("lee@example.org")), len(daemon.messages("kim@example.org")),
             len(daemon.messages("pat@example.org"))), (1, 1, 0), "each mailbox gets one copy")
        daemon.wait_for(rf"delivered .*to=<pat@example.org> .*backend=127.0.0.1:{there}")
        ok(True, "the log names the backend")

        def odd(address, size=len(ODD)):
            with Lmtp(address) as client:
                client.session("LHLO client.test", "MAIL FROM:<s@example.net> BODY=8BITMIME",
                               "RCPT TO:<pat@example.org>")
                client.send(b"BDAT %d LAST\r\n" % size + ODD)
                return client.reply().code

        before = set(backend.messages("pat@example.org"))
        is_((odd(backend.tcp), odd(daemon.unix)), (250, 250), "content with any octets is accepted by BDAT")
        direct, proxied = [each[each.index(b"Subject:"):]
                           for each in backend.messages("pat@example.org") if each not in before]
        is_(proxied, direct, "this content equals the one sent to the backend directly")

        large = MESSAGE + b"0123456789abcdef" * 62 + b"\r\n" + b"x" * 70 + b"\r\n"
        large += (b"y" * 998 + b"\r\n") * 30000
        is_([r.code for r in deliver(daemon.unix, "", ["lee@example.org"], large, timeout=120)],
            [250], "a message of 30 MB is passed on")
        ok(large.replace(b"\r\n", b"\n") in backend.messages("lee@example.org")[0]
           or large.replace(b"\r\n", b"\n") in backend.messages("lee@example.org")[-1],
           "a message of 30 MB arrives completely")
        peaks = [int(processes.status(pid)["VmHWM"].split()[0]) for pid in control.workers(daemon)]
        # AddressSanitizer needs memory of its own.
        ok(max(peaks) < (200_000 if is_sanitized() else 60_000), f"a message of 30 MB takes constant memory ({max(peaks)} kB)")

with Backend() as first, Backend() as second, Backend(chunking=False) as simple:
    hosts = {"a": first.port, "b": second.port, "c": simple.port, "down": free_port(), "kim": None}
    with proxy(hosts) as daemon:
        def send(*users, message=MESSAGE):
            return [(r.code, r.enhanced) for r in
                    deliver(daemon.unix, "s@example.net", [f"{u}@example.org" for u in users],
                            message)]

        is_(send("a", "c", "b", "kim"), [(250, "2.0.0")] * 4, "one message is passed on to several backends")
        is_((first.messages, second.messages, simple.messages), ([MESSAGE],) * 3,
            "each backend gets the same octets, by BDAT or DATA")
        with Lmtp(daemon.unix) as client:
            client.command("LHLO client.test")
            for _ in range(3):
                client.session("MAIL FROM:<s@example.net>", "RCPT TO:<a@example.org>", "DATA")
                client.send(stuffed(MESSAGE))
                client.reply()
        is_((len(first.messages), first.connections <= 2), (4, True), "a connection is used again")
        refused = replies(daemon, "down@example.org", "kim@example.org")
        is_([(r.code, r.enhanced) for r in refused], [(451, "4.4.1"), (250, "2.1.5")],
            "a backend that is down defers its own recipients only")

        smuggled = b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<evil@example.net>\r\n"
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "MAIL FROM:<s@example.net>", "RCPT TO:<c@example.org>")
            client.send(b"BDAT %d LAST\r\n" % len(smuggled) + smuggled)
            is_(client.reply().code, 250, "content with a bare LF before a dot is accepted")
        is_(simple.messages[-1], smuggled.replace(b"a\n", b"a\r\n"),
            "a bare LF before a dot does not end the data at a backend without CHUNKING")

        # A slow backend. Its recipient comes last, so that the replies of the others are due.
        second.hold.clear()
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "MAIL FROM:<s@example.net>",
                           *[f"RCPT TO:<{u}@example.org>" for u in ("a", "kim", "b")], "DATA")
            client.send(stuffed(MESSAGE))
            is_([r.code for r in client.replies(2)], [250, 250],
                "known replies are sent while another backend is slow")
            second.hold.set()
            is_(client.reply().code, 250, "the last reply is sent when its backend has delivered")

        second.received.clear()
        second.hold.clear()
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "MAIL FROM:<s@example.net>",
                           *[f"RCPT TO:<{u}@example.org>" for u in ("a", "b", "kim")], "DATA")
            client.send(stuffed(MESSAGE))
            second.received.wait(30)
            second.cut()
            second.hold.set()
            is_([(r.code, r.enhanced) for r in client.replies(3)],
                [(250, "2.0.0"), (451, "4.4.2"), (250, "2.0.0")],
                "a backend that dies after the dot defers its own recipients only")
        is_(send("b"), [(250, "2.0.0")], "the backend is asked again when it is back")

refusing = {"RCPT TO:<full@": "452 4.2.2 over\tquota", "RCPT TO:<bye@": "421 4.3.2 going down",
            "final late@example.org": "552-5.2.2 two\r\n552 5.2.2 lines"}
with Backend(answers=refusing, extensions=["XFORWARD NAME ADDR HELO IDENT"]) as backend:
    hosts = {user: backend.port for user in ("full", "bye", "late", "good")}
    with proxy(hosts, {"trusted": "unix"}) as daemon:
        got = [str(r) for r in replies(daemon, "full@example.org", "bye@example.org")]
        is_(got[0], "452 4.2.2 over?quota", "refusals are passed on, with printable text")
        is_(got[1][:9], "451 4.4.2", "421 is passed on as the end of the backend's session only")
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "XFORWARD NAME=mx.test ADDR=192.0.2.9 IDENT=4XYZ",
                           "MAIL FROM:<s@example.net>", "RCPT TO:<good@example.org>",
                           "RCPT TO:<late@example.org>", "DATA")
            client.send(stuffed(MESSAGE))
            is_([str(r)[:9] for r in client.replies(2)], ["250 2.0.0", "552 5.2.2"],
                "each recipient gets the reply of its own backend")
        ok("XFORWARD NAME=mx.test ADDR=192.0.2.9 IDENT=4XYZ" in backend.commands,
           "the backend learns the original client")

port = free_port()
scratch = Scratch()
with Handoffd({"recipients.lookup": table(scratch, loop=port),
               "listen": ["unix:" + scratch.path + "/lmtp.sock", f"tcp:127.0.0.1:{port}"]},
              scratch=scratch) as daemon:
    looped = replies(daemon, "loop@example.org")[0]
    is_((looped.code, looped.enhanced), (451, "4.4.6"), "a loop is refused")

with Backend() as backend:
    for settings, what in (({"proxy.enabled": "no"}, "proxy.enabled = no"),
                           ({"proxy.ports": "24"}, "proxy.ports"),
                           ({"proxy.networks": "192.0.2.0/24"}, "proxy.networks")):
        with proxy({"a": backend.port, "kim": None}, settings) as daemon:
            is_(rcpt(daemon, "a@example.org", "kim@example.org"), [451, 250],
                f"{what} limits where mail is passed on")
    is_(backend.commands, [], "nothing is sent to a host that is not allowed")

done()
