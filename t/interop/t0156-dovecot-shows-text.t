#!/usr/bin/env python3
"""Dovecot shows the text of messages that have no header, or whose header ends without a blank
line, like that of well-formed messages."""
import imaplib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from dovecot import IMAP, start_dovecot
from handoffd import Handoffd, free_port
from lmtp import deliver
from tap import done, is_

peer.enter("dovecot")

MBOX = b"From pat@x.example Thu Jan  1 00:00:00 2026\r\n"
GRUESSE = "Grüße: bis bald\r\n".encode()
# Content, and the text and the subject that Dovecot has to show.
ROWS = [
    (b"Subject: x\r\n\r\nhello\r\n", b"hello\r\n", "x"),
    (b"hello\r\n", b"hello\r\n", ""),
    (b":-) hello\r\n", b":-) hello\r\n", ""),
    (b": hello\r\n", b": hello\r\n", ""),
    (GRUESSE, GRUESSE, ""),
    (b"a\x01: x\r\n", b"a\x01: x\r\n", ""),
    (b"hello world: x\r\nmore\r\n", b"hello world: x\r\nmore\r\n", ""),
    (b" folded\r\n", b" folded\r\n", ""),
    (b"Subject: x\r\nhello\r\n", b"hello\r\n", "x"),
    (b"Subject: x\r\n" + GRUESSE, GRUESSE, "x"),
    (b"Subject: x\r\n:-)\r\n", b":-)\r\n", "x"),
    (b"Subject: x\r\nFrom my point of view\r\n", b"From my point of view\r\n", "x"),
    (b"Return-Path: <x@x.example>\r\nhello\r\n", b"hello\r\n", ""),
    (MBOX + b"hello\r\n", b"hello\r\n", ""),
    (MBOX + b"Subject: x\r\n\r\nhello\r\n", b"hello\r\n", "x"),
    (MBOX + b"Subject: x\r\nhello\r\n", b"hello\r\n", "x"),
]

with Handoffd() as daemon:
    port = free_port()
    dovecot = start_dovecot(daemon, IMAP.replace("PORT", str(port)))
    for number, (content, text, subject) in enumerate(ROWS):
        user = f"user{number}@good.test"
        daemon.mailbox(user)
        deliver(daemon.unix, "a@client.test", [user], content)
        client = imaplib.IMAP4("127.0.0.1", port)
        client.login(user, "any")
        client.select("INBOX")
        _, answers = client.fetch("1", "(BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        shown = {part[0].split(b" BODY")[-1].split(b"]")[0].rpartition(b"[")[2]: part[1]
                 for part in answers if isinstance(part, tuple)}
        header = shown.get(b"HEADER.FIELDS (SUBJECT)", b"").decode().strip()
        is_((shown.get(b"TEXT"), header.removeprefix("Subject:").strip()), (text, subject),
            f"Dovecot shows the text of {content[:50]!a}")
        client.logout()
    dovecot.stop()
done()
