#!/usr/bin/env python3
"""Every message that Postfix's load generator smtp-source sends is in the mailboxes."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import Handoffd
from tap import diag, done, empty, is_

PROGRAM = os.path.join(peer.folder("postfix"), "usr", "sbin", "smtp-source")
ENVIRONMENT = peer.environment("postfix")
LENGTH = 4096   # octets of content after the header; smtp-source then adds a CRLF


def source(*arguments):
    """Runs smtp-source, which exits with 1 at the first unexpected reply."""
    run = subprocess.run([PROGRAM, "-L", "-M", "source.test", "-l", str(LENGTH), *arguments],
                         env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=60, check=False)
    if run.returncode != 0:
        diag(run.stdout)
    return run.returncode


def check_mailbox(daemon, user, count, what):
    messages = daemon.messages(user)
    is_(len(messages), count, f"{what}_are_all_in_the_mailbox")
    identities = {re.search(rb"^message-id: *(\S+)", each, re.I | re.M)[1] for each in messages}
    is_(len(identities), count, f"{what}_are_all_different")
    sizes = {len(each.partition(b"\n\n")[2].replace(b"\n", b"\r\n")) for each in messages}
    is_(sizes, {LENGTH + 2}, f"{what}_are_complete")


with Handoffd(tcp=True) as daemon:
    peer_address = {"unix": daemon.unix, "inet": daemon.tcp.replace("tcp:", "inet:")}
    for kind, address in peer_address.items():
        for mode, arguments in (("one_connection_for_each", []), ("kept_connections", ["-d"])):
            user = f"{kind}-{mode}@good.test"
            daemon.mailbox(user)
            what = f"500_messages_over_10_{kind}_sessions_with_{mode}"
            is_(source("-s", "10", "-m", "500", *arguments, "-t", user, address), 0,
                f"{what}_are_accepted")
            check_mailbox(daemon, user, 500, what)

        users = [f"{number}{kind}@many.test" for number in ["", *range(2, 21)]]
        for user in users:
            daemon.mailbox(user)
        is_(source("-s", "5", "-m", "20", "-r", "20", "-t", f"{kind}@many.test", address), 0,
            f"20_messages_to_20_recipients_over_{kind}_are_accepted")
        empty((user for user in users if len(daemon.messages(user)) != 20),
              f"20_messages_to_20_recipients_over_{kind}_are_in_each_mailbox")
    is_(daemon.staged(), [], "nothing_stays_in_staging")
    is_(daemon.stop(), 0, "the_server_exits_with_0")

done()
