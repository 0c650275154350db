#!/usr/bin/env python3
"""Sendmail delivers with the mailers of contrib/sendmail: one starts handoffd --stdin for each
delivery, the other uses the socket of a running server."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from mailing import Mailing
from scenarios import Scenarios, Server
from sendmail import Sendmail
from tap import diag, done, is_, ok

peer.enter("sendmail")

STDIN, UNIX = "stdin.test", "unix.test"

server = Server({"log.to": "stderr"}, pipes=True)
sendmail = Sendmail(server.path, STDIN, UNIX)
for domain in (STDIN, UNIX):
    mailing = Mailing(server, domain, count=14)
    for each in mailing.messages:
        said = sendmail.inject(mailing.sender, each.good + each.unknown, each.octets,
                               background=False)
        if said and not each.unknown:
            diag(said)
    mailing.check()
    mailing.check_bounces(mailing.bounces)
if not ok(not sendmail.queued(), "the_queue_of_sendmail_is_empty"):
    diag(sendmail.queue())
# Debian's Sendmail is built without USE_EAI. The scenarios cover non-ASCII addresses without the
# parameter SMTPUTF8.
with sendmail.smtp() as client:
    ok("SMTPUTF8" not in " ".join(client.command("EHLO client.test").lines), "sendmail_offers_no_smtputf8")
    is_(str(client.command("MAIL FROM:<sender@unix.test> SMTPUTF8")),
        "555 5.5.4 SMTPUTF8 parameter unrecognized", "sendmail_refuses_mail_that_needs_smtputf8")
    client.command("QUIT")
Scenarios(sendmail, server, [STDIN, UNIX]).run()
is_(server.stop(), 0, "the_server_exits_with_0")
done()
