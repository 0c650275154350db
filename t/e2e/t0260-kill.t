#!/usr/bin/env python3
"""Master and workers are killed at random under load: nothing prevents a restart."""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp, deliver
from load import Load
from control import status
from tap import diag, done, empty, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
ROUNDS = int(os.environ.get("HANDOFF_KILLS", "8"))
chance = random.Random(4)

with Handoffd({"workers.max": 16, "workers.min-idle": 4, "recipients.max-concurrent": 0},
              tcp=True) as daemon:
    daemon.mailbox(PAT)
    took, orphans, acknowledged = [], [], []
    for number in range(ROUNDS):
        address = daemon.unix if number % 2 else daemon.tcp
        with Load(address, 4, PAT) as load:
            before = {worker["pid"] for worker in status(daemon)["workers"]}
            for pid in chance.sample(sorted(before), 2):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            # One session outlives the master: its message is being received.
            slow = Lmtp(daemon.tcp, timeout=20)
            slow.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
            daemon.signal(signal.SIGKILL)
            daemon.process.wait()
            begin = time.monotonic()
            daemon.start()
            took.append(time.monotonic() - begin)
            slow.send(MESSAGE + b".\r\n")
            if slow.reply().code != 250:
                orphans.append("the message that had begun was not taken")
            slow.close()
            if deliver(address, "", [PAT], MESSAGE, timeout=20).final[PAT].code != 250:
                orphans.append("the next server does not serve")
        acknowledged += load.acknowledged
        for line in daemon.log:
            if "cannot start" in line:
                orphans.append(line)
    diag(f"restarts took {min(took):.3f} to {max(took):.3f} s")
    ok(sorted(took)[len(took) // 2] < 3,
       "a_killed_master_is_replaced_within_three_seconds")
    ok(max(took) < 5, "no_replacement_of_a_killed_master_takes_five_seconds")
    empty(orphans, "a_killed_master_does_not_prevent_a_restart")
    is_(daemon.stop(), 0, "the_last_server_exits_with_0")
    empty([line for line in daemon.log if "Address already in use" in line],
          "no_orphaned_worker_held_a_listener")
    bodies = b"".join(daemon.messages(PAT))
    empty([each for each in acknowledged if each.encode() not in bodies],
          "acknowledged_messages_are_stored_after_the_kills_L5")
    daemon.start()

done()
