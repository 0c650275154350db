#!/usr/bin/env python3
"""OpenSMTPD delivers with contrib/opensmtpd: a program for each recipient, by unix socket and
TCP."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from mta import DEFERRED, until
from opensmtpd import Opensmtpd
from scenarios import Scenarios, Server
from tap import diag, done, is_, ok

peer.enter("opensmtpd")

SENDER, FULL = "sender@unix.test", "quite-full@unix.test"
MESSAGE = b"Subject: hello\n\nhello\n"

server = Server({"socket.owner": "handoff"})
mta = Opensmtpd(server.scratch, unix="unix.test", tcp="tcp.test")
Scenarios(mta, server, ["unix.test", "tcp.test"]).run()
run = subprocess.run(["sendmail", "-i", "-f", SENDER, "jörg@unix.test"], input=MESSAGE,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
ok(run.returncode != 0 and b"501 5.1.3" in run.stdout,
   "opensmtpd_refuses_an_address_beyond_ascii") or diag(run.stdout)
mta.stop()

# A refusal, which mail.lmtp turns into a temporary failure, is returned to the sender when the
# message expires. (OpenSMTPD 6.8 calls this bounce a delay warning.)
mta = Opensmtpd(server.scratch, unix="unix.test", tcp="tcp.test", ttl="3s")
server.configure({"quota.messages": "1", "quota.over": "bounce"})
server.mailbox(FULL)
mta.inject(SENDER, [FULL], MESSAGE)
mta.drain()
hopeless = {f"hears{number}@tcp.test": recipient
            for number, recipient in enumerate(["unknown@unix.test", "unknown@tcp.test", FULL])}
for sender, recipient in hopeless.items():
    server.mailbox(sender)
    mta.inject(sender, [recipient], MESSAGE)
    mta.wait_for(recipient, DEFERRED)
until(lambda: not mta.queued(), "OpenSMTPD gives up")
for sender, recipient in hopeless.items():
    [bounce] = server.messages(sender)
    ok(bounce.startswith(b"Return-Path: <>\n") and f"{recipient}: Envelope expired".encode() in bounce,
       f"the_sender_gets_a_bounce_for_{recipient}_at_the_expiry") or diag(bounce)
    ok(any("Expire" in line and f"to=<{recipient}>" in line for line in mta.log()),
       f"the_log_says_that_the_message_to_{recipient}_expired")
is_(len(server.messages(FULL)), 1, "a_full_mailbox_got_no_further_message")
mta.stop()
is_(server.stop(), 0, "the_server_exits_with_0")
done()
