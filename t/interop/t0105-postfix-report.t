#!/usr/bin/env python3
"""dsn.command with Postfix's own sendmail(1), as in handoffd.conf(5): the report of a delivery
arrives. postdrop is set-group-id, so it fails under NoNewPrivileges=yes of a service manager, and
the log says so."""
import email
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from lmtp import Lmtp, stuffed
from mta import TOP, until
from postfix import Postfix
from scenarios import SOCKET, Server
from tap import diag, done, is_, ok

peer.enter("postfix")
SENDER, PAT = "sender@unix.test", "pat@unix.test"

with open(os.path.join(TOP, "man/handoffd.conf.5"), encoding="utf-8") as file:
    command = re.search(r"^\.Dl dsn\.command = (.*)$", file.read(), re.M)[1]
daemon = Server({"dsn.command": command, "socket.group": "postfix"})
daemon.mailbox(SENDER), daemon.mailbox(PAT)
postfix = Postfix(daemon.scratch, f"virtual_mailbox_domains = unix.test\n"
                  f"virtual_transport = lmtp:unix:{SOCKET}\n")


def deliver(number):
    """Sends a message whose sender requests a report; returns the previous length of the log."""
    before = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", f"MAIL FROM:<{SENDER}> ENVID=envelope{number}",
                       f"RCPT TO:<{PAT}> NOTIFY=SUCCESS", "DATA")
        client.send(stuffed(b"Subject: a question\r\n\r\nhello\r\n"))
        is_(client.reply().code, 250, f"a_message_is_delivered_{number}")
    return before


def reports():
    return [email.message_from_bytes(octets) for octets in daemon.messages(SENDER)]


daemon.wait_for("report sent", deliver(1))
until(reports, "the report arrives")
[report] = reports()
is_((report.get_content_type(), report["To"], report["Return-Path"]),
    ("multipart/report", f"<{SENDER}>", "<>"), "the_report_comes_back_through_postfix")
status = report.get_payload()[1].as_string()
ok("Original-Envelope-Id: envelope1" in status and f"Final-Recipient: rfc822; {PAT}" in status
   and "Action: delivered" in status, "the_report_lists_the_deliveries")
is_(daemon.stop(), 0, "the_server_exits_with_0")

# The server gets no new privileges, like one that the systemd unit of contrib starts.
with open(os.path.join(TOP, "contrib/systemd/handoffd.service"), encoding="utf-8") as file:
    ok(re.search(r"^NoNewPrivileges=yes$", file.read(), re.M), "the_unit_removes_privileges")
daemon.write({"dsn.timeout": "2s"})     # postdrop retries until it is killed
daemon.command = ["setpriv", "--no-new-privs", *daemon.command]
daemon.start()
line = daemon.wait_for("report not sent", deliver(2))
diag(line)
ok("postdrop" in line and "Permission denied" in line, "without_these_privileges_the_log_says_why_no_report_is_sent")
is_(len(reports()), 1, "without_these_privileges_no_report_arrives")
is_(daemon.stop(), 0, "the_server_exits_with_0_without_privileges")
postfix.stop()
done()
