#!/usr/bin/env python3
"""R6: what the dead left in staging and in tmp/ is removed, at the start, by the clock and when
handoffctl is told to; what a running delivery is at work on is not."""
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import shim
import tap
from control import status, until
from handoffd import Handoffd, program
from lmtp import Lmtp, stuffed
from scratch import Scratch
from tap import done, is_, ok

PAT, KIM = USERS = [f"{name}@good.test" for name in ("pat", "kim")]
HOURS = 3600

if why := shim.missing():
    tap.skip_all(why)
scratch = Scratch()
fifo = os.path.join(scratch.path, "fifo")
os.mkfifo(fifo)
os.chmod(fifo, 0o666)

gone = subprocess.Popen(["true"])
gone.wait()
HOST = socket.gethostname()
DEAD = f"1764000000.M1P{gone.pid}Q1R00000000.{HOST}"


def leave(daemon, path, age=0):
    """A file in the spool, of the daemon's user."""
    path = os.path.join(daemon.spool, path)
    with open(path, "wb") as file:
        file.write(b"left")
    if daemon.owner:
        os.chown(path, *daemon.owner)
    os.utime(path, (time.time() - age,) * 2)
    return path


def sweep(daemon, *arguments):
    told = subprocess.run([program("HANDOFFCTL"), "-c", daemon.path, "sweep", *arguments],
                          check=False, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return told.returncode, told.stdout.splitlines()


# One worker: a second, whom the busy one calls for, would sweep as it begins.
daemon = Handoffd({"spool.delivered-to": "always", "workers.max": 1, "workers.min-idle": 1,
                   "workers.max-idle": 1}, scratch=scratch, start=False,
                  environment=shim.preload("t/e2e/fsync_shim.c", scratch,
                                           SHIM_HOLD="good.test/kim/tmp/", SHIM_FIFO=fifo))
for user in USERS:
    daemon.mailbox(user)
before = {"dead": leave(daemon, f"good.test/pat/tmp/{DEAD}"),
          "old": leave(daemon, "good.test/pat/tmp/1.M2P3.elsewhere", 37 * HOURS),
          "other": leave(daemon, "good.test/pat/tmp/1.M2P3.else", 35 * HOURS)}
is_(sorted(sweep(daemon, "--dry-run")[1]),
    sorted([f"good.test/pat/tmp/{DEAD}", "good.test/pat/tmp/1.M2P3.elsewhere",
            "2 would be removed, 1 kept"]), "a_dry_run_says_what_would_go")
is_([os.path.exists(path) for path in before.values()], [True] * 3, "and_removes_nothing")

daemon.start()
daemon.wait_for(r"\bswept\b.*removed=2\b")
is_([os.path.exists(before[each]) for each in ("dead", "old", "other")], [False, False, True],
    "at_the_start_what_the_dead_left_goes_and_others_files_stay")
ok(until(lambda: status(daemon)["totals"]["swept"] >= 2, "a moment after the log says so"),
   "and_it_is_counted")

# A delivery that waits for the disk, its copy in tmp/ and itself in staging.
with Lmtp(daemon.unix) as client:
    client.session("LHLO client.test", "MAIL FROM:<>", *(f"RCPT TO:<{each}>" for each in USERS),
                   "DATA")
    client.send(stuffed(b"Subject: hello\r\n\r\nhello\r\n"))
    is_(client.reply().code, 250, "a_delivery_is_under_way")
    release = os.open(fifo, os.O_WRONLY)  # returns when the worker waits
    tmp = os.path.join(daemon.mailbox_path(KIM), "tmp")
    is_(len(os.listdir(tmp)), 1, "with_a_file_in_tmp")
    leave(daemon, f"good.test/kim/tmp/{DEAD}")
    leave(daemon, f".handoff/staging/{DEAD}")
    is_(sweep(daemon), (0, [f".handoff/staging/{DEAD}", f"good.test/kim/tmp/{DEAD}",
                            "2 removed, 3 kept"]), "a_sweep_takes_the_dead_and_not_the_living")
    is_(len(os.listdir(tmp)), 1, "whose_file_is_there_yet")
    os.write(release, b"x")
    os.close(release)
    is_(client.reply().code, 250, "and_it_is_delivered")
    client.command("QUIT")
is_([len(daemon.messages(each)) for each in USERS], [1, 1], "and_every_250_is_there_once_L5")
is_(sweep(daemon, "--wet-run")[0], 64, "what_it_does_not_know_it_does_not_do")

is_(daemon.stop(), 0, "it_ends_well")
daemon.write({"spool.sweep-interval": "1s"})
daemon.start()
seen = len(daemon.log)
late = leave(daemon, f"good.test/pat/tmp/{DEAD}")
line = daemon.wait_for(r"\babandoned\b", seen)
ok(f"file=good.test/pat/tmp/{DEAD}" in line, "it_sweeps_by_the_clock_and_says_what_it_took")
daemon.wait_for(r"\bswept\b", seen)
ok(not os.path.exists(late), "and_that_is_gone")
is_(daemon.stop(), 0, "it_ends_well_while_it_may_be_sweeping")
done()
