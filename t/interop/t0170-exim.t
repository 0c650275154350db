#!/usr/bin/env python3
"""Exim delivers with the lmtp (unix socket) and smtp (TCP) transports of contrib/exim."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from exim import Exim
from mailing import Mailing
from mta import BOUNCED, DEFERRED, SENT
from scenarios import Scenarios, Server
from tap import done, is_

peer.enter("exim4")

SENDER = "sender@unix.test"
server = Server({"socket.group": "Debian-exim"})
exim = Exim(unix="unix.test", tcp="tcp.test")
mailings = [Mailing(server, domain, 21, sender=SENDER) for domain in ("unix.test", "tcp.test")]
for mailing in mailings:
    for each in mailing.messages:
        exim.inject(SENDER, each.good + each.unknown, each.octets, background=False)
# A bounce is a separate message, whose delivery may end after the command.
exim.drain()
for mailing in mailings:
    mailing.check()
mailings[0].check_bounces(sum(mailing.bounces for mailing in mailings))
said = [each.outcome for each in exim.said()]
is_(said.count(DEFERRED), 0, "exim_deferred_nothing")
is_(said.count(SENT), sum(len(each.good) for mailing in mailings for each in mailing.messages)
    + sum(mailing.bounces for mailing in mailings), "exim_logs_each_delivery_once")
is_(said.count(BOUNCED),
    sum(len(each.unknown) for mailing in mailings for each in mailing.messages),
    "exim_logs_each_unknown_recipient_once")
Scenarios(exim, server, ["unix.test", "tcp.test"]).run()
is_(server.stop(), 0, "the_server_exits_with_0")
done()
