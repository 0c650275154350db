#!/usr/bin/env python3
"""Sendmail hands over by the mailers of contrib/sendmail: a handoffd --stdin for each delivery, and
the socket of one that serves."""
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
# Debian's is built without USE_EAI. What comes without the parameter is among the scenarios.
with sendmail.smtp() as client:
    ok("SMTPUTF8" not in " ".join(client.command("EHLO client.test").lines), "it_offers_no_smtputf8")
    is_(str(client.command("MAIL FROM:<sender@unix.test> SMTPUTF8")),
        "555 5.5.4 SMTPUTF8 parameter unrecognized", "and_takes_no_mail_that_needs_it")
    client.command("QUIT")
Scenarios(sendmail, server, [STDIN, UNIX]).run()
is_(server.stop(), 0, "it_ends_well")
done()
