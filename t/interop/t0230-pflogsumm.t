#!/usr/bin/env python3
"""pflogsumm, a log summariser for Postfix, copes with handoffd's lines among those of Postfix."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import Handoffd
from lmtp import deliver
from tap import done, is_

PFLOGSUMM = os.path.join(peer.folder("pflogsumm"), "usr", "sbin", "pflogsumm")
PAT = "pat@good.test"
POSTFIX = [
    "postfix/qmgr[11]: 4bVqXk1ZzZz9: from=<a@client.test>, size=300, nrcpt=1 (queue active)",
    "postfix/lmtp[12]: 4bVqXk1ZzZz9: to=<pat@good.test>, relay=mx.test[lmtp.sock], delay=0.1, "
    "delays=0.01/0/0/0.09, dsn=2.0.0, status=sent (250 2.0.0 <pat@good.test> delivered)",
    "postfix/qmgr[11]: 4bVqXk1ZzZz9: removed",
]

with Handoffd() as daemon:
    daemon.mailbox(PAT)
    deliver(daemon.unix, "a@client.test", [PAT],
            b"Received: by mx.test (Postfix)\r\n\tid 4bVqXk1ZzZz9; date\r\n\r\nhello\r\n")
    daemon.wait_for("delivered")
    ours = [line.split(" ", 1)[1] for line in daemon.log if "delivered" in line]
    is_(len([line for line in ours if "queue_id=4bVqXk1ZzZz9" in line]), 1,
        "a_grep_by_queue_id_finds_the_delivery")


def summary(lines):
    stamped = "".join(f"Nov 24 08:00:0{n % 10} mx {line}\n" for n, line in enumerate(lines))
    ended = subprocess.run(["perl", PFLOGSUMM], input=stamped, text=True, check=False,
                           env=peer.environment("pflogsumm"), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    return ended.returncode, ended.stdout, ended.stderr


alone = summary(POSTFIX)
is_(alone[0], 0, "pflogsumm_reads_postfix_lines")
mixed = summary([POSTFIX[0], POSTFIX[1], *ours, POSTFIX[2]])
is_(mixed[0], 0, "pflogsumm_reads_postfix_lines_mixed_with_ours")
is_(mixed[1], alone[1], "pflogsumm_reports_the_same_with_our_lines")
is_(mixed[2], alone[2], "pflogsumm_prints_no_warnings")

done()
