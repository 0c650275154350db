#!/usr/bin/env python3
"""Messages that scripts send, through Postfix's own sendmail(1): a redirect keeps its sender and
content, a reply has the null sender, and a message that Postfix refuses stays in the queue."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from fake_sendmail import outgoing, queue, wait
from mta import until
from postfix import Postfix
from scenarios import SOCKET, Server
from tap import done, is_, ok

peer.enter("postfix")
SENDER, PAT = "sender@unix.test", "pat@unix.test"
MESSAGE = (b"Return-Path: <sender@unix.test>\nReceived: from client.test by x; Mon, 1 Jan 2024 "
           b"00:00:00 +0000\nSubject: hello\nMessage-ID: <1@unix.test>\n\nfirst\n.\nlast \xff\n")


def name(number):
    return f"{1764000000 + number}.M1P1Q{number}R00000000.host,N=1"


daemon = Server({"sieve.enabled": "yes", "socket.group": "postfix"})
daemon.mailbox(SENDER), daemon.mailbox(PAT)
postfix = Postfix(daemon.scratch, f"virtual_mailbox_domains = unix.test\n"
                  f"virtual_transport = lmtp:unix:{SOCKET}\n")

queue(daemon.spool, name(1), SENDER, [PAT], head="X-Redirected: yes\r\n", message=MESSAGE)
until(lambda: daemon.messages(PAT), "the redirected message arrives")
[stored] = daemon.messages(PAT)
header, _, body = stored.partition(b"\n\n")
is_(body, b"first\n.\nlast \xff\n", "a_redirected_message_keeps_its_content")
ok(header.startswith(b"Return-Path: <sender@unix.test>\n"), "and_its_sender")
is_([header.count(field) for field in (b"Return-Path:", b"\nX-Redirected: yes\n",
                                       b"\nMessage-ID: <1@unix.test>\n")], [1, 1, 1],
    "and_its_header")
queue(daemon.spool, name(2), "", [SENDER], kind="vacation",
      text="From: pat@unix.test\r\nTo: sender@unix.test\r\nSubject: away\r\n\r\nback soon\r\n")
until(lambda: daemon.messages(SENDER), "the reply arrives")
[reply] = daemon.messages(SENDER)
ok(reply.startswith(b"Return-Path: <>\n") and reply.endswith(b"\n\nback soon\n"),
   "a_reply_has_the_null_sender")
ok(wait(lambda: outgoing(daemon.spool) == []), "the_queue_is_empty")

is_(daemon.stop(), 0, "it_ends_well")

done()
