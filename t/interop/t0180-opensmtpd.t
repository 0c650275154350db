#!/usr/bin/env python3
"""OpenSMTPD hands over by contrib/opensmtpd: a program for each recipient, by unix socket and TCP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from opensmtpd import Opensmtpd
from scenarios import Scenarios, Server
from tap import done, is_

peer.enter("opensmtpd")

server = Server({"socket.owner": "handoff"})
mta = Opensmtpd(server.scratch, unix="unix.test", tcp="tcp.test")
Scenarios(mta, server, ["unix.test", "tcp.test"]).run()
mta.stop()
is_(server.stop(), 0, "it_ends_well")
done()
