#!/usr/bin/env python3
"""Postfix, configured with contrib/postfix, delivers its queue: every valid recipient gets each
message once, every unknown one bounces, and Postfix logs the right outcomes. Mail for unix.test
uses the unix socket, mail for tcp.test TCP."""
import collections
import os
import re
import smtplib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from mailing import Mailing
from mta import DEFERRED
from postfix import Postfix, unix_and_tcp
from scenarios import Scenarios, Server
from tap import diag, done, empty, is_, ok

peer.enter("postfix")

CLIENT = "127.0.0.77"
SENDER = "sender@unix.test"     # has a mailbox for bounces

daemon = Server({"socket.group": "postfix", "trusted": "127.0.0.0/8"})
mailings = [Mailing(daemon, domain, count, sender=SENDER, longest_line=5000)
            for domain, count in (("unix.test", 120), ("tcp.test", 40))]
bounces = sum(mailing.bounces for mailing in mailings)
postfix = Postfix(daemon.scratch, unix_and_tcp("unix.test", "tcp.test"))
for mailing in mailings:
    for each in mailing.messages:
        postfix.inject(SENDER, each.good + each.unknown, each.octets)

# Each message, and each bounce to the sender, leaves the queue once.
injected = sum(len(mailing.messages) for mailing in mailings)
postfix.daemon.wait_for(r"qmgr\[.*: removed$", count=injected + bounces, deadline=180)

# Only the recipient whose mailbox cannot be written is deferred and retried.
locked = f"locked@{SENDER.partition('@')[2]}"
folder = os.path.join(daemon.mailbox(locked), "new")
owner = os.stat(folder)
os.chown(folder, 0, 0)
os.chmod(folder, 0o500)
postfix.inject(SENDER, [SENDER, locked],
               b"X-Number: locked\nMessage-ID: <locked@postfix.test>\n\n")
ok("dsn=4." in postfix.wait_for(locked, DEFERRED), "a_mailbox_that_cannot_be_written_is_deferred")
os.chown(folder, owner.st_uid, owner.st_gid)
os.chmod(folder, owner.st_mode & 0o7777)
postfix.drain()
is_([sum(b"\nX-Number: locked\n" in octets for octets in daemon.messages(each))
     for each in (SENDER, locked)], [1, 1],
    "the_retry_delivers_to_the_deferred_recipient_and_to_no_other")

# The log of Postfix for each recipient.
number_of = {}      # queue id: (domain, number)
said = collections.Counter()    # (domain, number, recipient, status)
relays = collections.defaultdict(set)
for line in postfix.log():
    if match := re.search(r"cleanup\[\d+\]: (\w+): message-id=<(\d+)@([\w.]+)>", line):
        number_of[match[1]] = (match[3], int(match[2]))
    elif match := re.search(r"lmtp\[\d+\]: (\w+): to=<([^>]*)>.* relay=([^,]*),.* status=(\w+)",
                            line):
        if match[1] in number_of:
            said[(*number_of[match[1]], match[2], match[4])] += 1
            relays[match[2].rpartition("@")[2]].add(match[3])

want = collections.Counter()
for mailing in mailings:
    for each in mailing.messages:
        want.update((mailing.domain, each.number, user, "sent") for user in each.good)
        want.update((mailing.domain, each.number, user, "bounced") for user in each.unknown)
for status in ("sent", "bounced"):
    is_({key: count for key, count in said.items() if key[3] == status},
        {key: count for key, count in want.items() if key[3] == status},
        f"postfix_logs_{status}_once_for_each_expected_recipient")
is_({key[3] for key in said}, {"sent", "bounced"}, "postfix_deferred_no_such_recipient")
ok(all("unix" not in relay for relay in relays["tcp.test"])
   and all("127.0.0.1" in relay for relay in relays["tcp.test"]), "mail_for_tcp.test_went_over_tcp")
ok(all("lmtp.sock" in relay for relay in relays["unix.test"]), "mail_for_unix.test_went_over_the_socket")
for mailing in mailings:
    mailing.check()
mailings[0].check_bounces(bounces)
empty(postfix.warnings(), "postfix_logs_no_warning")

# By TCP, from a trusted address, Postfix names the original client.
FORWARDED = ["forwarded@tcp.test", "forwarded@unix.test"]
for each in FORWARDED:
    daemon.mailbox(each)
since = len(daemon.log)
with smtplib.SMTP("127.0.0.1", 25, "client.test", source_address=(CLIENT, 0)) as client:
    client.sendmail(SENDER, FORWARDED, b"Subject: forwarded\r\n\r\nhello\r\n")
postfix.drain()
[by_tcp], [by_unix] = (daemon.messages(each) for each in FORWARDED)
trace = f"from client.test ({CLIENT} [{CLIENT}])".encode()
ok(re.search(rb"^Received: from client\.test \(.*\[" + re.escape(CLIENT.encode()) + rb"\]\)\n"
             rb"\tby handoff\.test", by_tcp, re.M), "received_has_the_client_that_postfix_named")
queue_id = re.search(rf"lmtp\[\d+\]: (\w+): to=<{FORWARDED[0]}>", "\n".join(postfix.log()))[1]
line = daemon.wait_for(rf"delivered .*{FORWARDED[0]}", since)
ok(CLIENT in line and f"queue_id={queue_id}" in line, "the_log_of_handoff_has_the_client_that_postfix_named") or diag(line)
Scenarios(postfix, daemon, ["unix.test", "tcp.test"]).run()
postfix.stop()
is_(daemon.stop(), 0, "the_server_exits_with_0")
done()
