#!/usr/bin/env python3
"""Postfix hands its queue over: every good recipient has each message once, every unknown one
bounces, and Postfix knows which is which. Domain unix.test goes by unix socket, tcp.test by TCP."""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from daemon import Daemon
from handoffd import Handoffd
from mailing import Mailing
from tap import done, empty, is_, ok

peer.enter("postfix")

SENDER = "sender@unix.test"     # has a mailbox too: bounces come back there

MAIN_CF = """
compatibility_level = 3.6
myhostname = postfix.test
mydestination =
inet_interfaces = loopback-only
maillog_file = /dev/stdout
virtual_mailbox_domains = unix.test, tcp.test
virtual_transport = lmtp:{unix}
transport_maps = inline:{{ {{ tcp.test = lmtp:{tcp} }} }}
default_transport = error:no mail leaves here
relay_transport = error:no mail leaves here
# Longer lines than RFC 5321 4.5.3.1.6 allows arrive as they are, so that content can be compared.
lmtp_line_length_limit = 0
# Spoken where it is announced.
lmtp_send_xforward_command = yes
# A queue id names one message in the whole log.
enable_long_queue_ids = yes
in_flow_delay = 0
"""

MASTER_CF = """
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
verify    unix  -  -  n  -     1  verify
flush     unix  n  -  n  1000? 0  flush
proxymap  unix  -  -  n  -     -  proxymap
showq     unix  n  -  n  -     -  showq
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
scache    unix  -  -  n  -     1  scache
lmtp      unix  -  -  n  -     -  lmtp
postlog   unix-dgram n -  n  -  1  postlogd
"""


def start_postfix(scratch, main_cf):
    for name, text in (("main.cf", main_cf), ("master.cf", MASTER_CF)):
        with open(f"/etc/postfix/{name}", "w", encoding="ascii") as file:
            file.write(text)
    postfix = Daemon(scratch, ["postfix", "start-fg"])
    postfix.wait_for("daemon started")
    return postfix


def inject(recipients, octets):
    """Gives one message to Postfix, as any program on a machine does."""
    subprocess.run(["sendmail", "-i", "-B", "8BITMIME", "-f", SENDER, *recipients], input=octets,
                   check=True)


daemon = Handoffd(tcp=True)
mailings = [Mailing(daemon, domain, count, sender=SENDER, longest_line=5000)
            for domain, count in (("unix.test", 200), ("tcp.test", 40))]
bounces = sum(mailing.bounces for mailing in mailings)
postfix = start_postfix(daemon.scratch, MAIN_CF.format(
    unix=daemon.unix, tcp=daemon.tcp.replace("tcp:", "inet:")))
for mailing in mailings:
    for each in mailing.messages:
        inject(each.good + each.unknown, each.octets)

# Each message, and each bounce to the sender, leaves the queue once.
injected = sum(len(mailing.messages) for mailing in mailings)
postfix.wait_for(r"qmgr\[.*: removed$", count=injected + bounces, deadline=180)

# RFC 6531: an address beyond ASCII goes by SMTPUTF8, and only where that is announced.
beyond_ascii = f"jörg@{SENDER.partition('@')[2]}"
daemon.mailbox(beyond_ascii)
before = len(postfix.log)
inject([beyond_ascii], f"X-Number: utf8\nTo: <{beyond_ascii}>\n\n".encode())
status = postfix.wait_for(r"to=<j.*status=", before)
ok("status=sent" in status, "an_address_beyond_ascii_is_sent")
is_([b"\nX-Number: utf8\n" in octets for octets in daemon.messages(beyond_ascii)], [True],
    "an_address_beyond_ascii_has_its_message_once")

# A mailbox that cannot be written now is deferred, alone, and tried again.
locked = f"locked@{SENDER.partition('@')[2]}"
folder = os.path.join(daemon.mailbox(locked), "new")
owner = os.stat(folder)
os.chown(folder, 0, 0)
os.chmod(folder, 0o500)
inject([SENDER, locked], b"X-Number: locked\nMessage-ID: <locked@postfix.test>\n\n")
deferred = postfix.wait_for(rf"to=<{locked}>.*status=")
ok("dsn=4." in deferred and "status=deferred" in deferred,
   "a_mailbox_that_cannot_be_written_is_deferred")
os.chown(folder, owner.st_uid, owner.st_gid)
os.chmod(folder, owner.st_mode & 0o7777)
before = len(postfix.log)
# A flush passes over a message whose other recipient is still being delivered: then once more.
for _ in range(30):
    subprocess.run(["postqueue", "-f"], check=True)
    try:
        postfix.wait_for(rf"to=<{locked}>.*status=sent", before, deadline=2)
        break
    except TimeoutError:
        pass
postfix.wait_for(r"qmgr\[.*: removed$", before)
is_([sum(b"\nX-Number: locked\n" in octets for octets in daemon.messages(each))
     for each in (SENDER, locked)], [1, 1],
    "the_retry_delivers_to_the_deferred_recipient_and_to_no_other")

queue = subprocess.run(["postqueue", "-p"], stdout=subprocess.PIPE, text=True, check=True).stdout
is_(queue.strip(), "Mail queue is empty", "the_queue_of_postfix_is_empty")
# Its master leads a session of its own, and ends what it started only when told like this.
subprocess.run(["postfix", "stop"], check=True, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
postfix.wait()

# What Postfix says of each recipient.
number_of = {}      # queue id: (domain, number)
said = collections.Counter()    # (domain, number, recipient, status)
relays = collections.defaultdict(set)
for line in postfix.log:
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
        f"postfix_logs_{status}_for_those_recipients_once_and_for_no_other")
is_({key[3] for key in said}, {"sent", "bounced"}, "postfix_deferred_none_of_those")
ok(all("unix" not in relay for relay in relays["tcp.test"])
   and all("127.0.0.1" in relay for relay in relays["tcp.test"]), "tcp.test_went_over_tcp")
ok(all("lmtp.sock" in relay for relay in relays["unix.test"]), "unix.test_went_over_the_socket")
empty((line for line in postfix.log if re.search(r"(warning|error|fatal|panic):", line)),
      "postfix_warns_of_nothing")

for mailing in mailings:
    mailing.check()
mailings[0].check_bounces(bounces)
is_(daemon.staged(), [], "nothing_stays_in_staging")
is_(daemon.stop(), 0, "it_ends_well")
done()
