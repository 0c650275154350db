#!/usr/bin/env python3
"""R6: files of dead processes in staging and tmp/ are removed at the start, at intervals and by
handoffctl sweep; files of running deliveries are kept."""
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
from slow_disk import SlowDisk
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
    """Creates a file in the spool, owned by the daemon's user."""
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


# Only one worker: a second one would sweep when it starts.
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
            "2 would be removed, 1 kept"]), "a_dry_run_lists_the_files_to_remove")
is_([os.path.exists(path) for path in before.values()], [True] * 3, "a_dry_run_removes_nothing")

daemon.start()
daemon.wait_for(r"\bswept\b.*removed=2\b")
is_([os.path.exists(before[each]) for each in ("dead", "old", "other")], [False, False, True],
    "a_start_removes_files_of_dead_processes_and_keeps_others")
ok(until(lambda: status(daemon)["totals"]["swept"] >= 2, "a moment after the log says so"),
   "the_sweep_is_counted")

# A delivery that waits for the disk, with files in tmp/ and in staging.
with Lmtp(daemon.unix) as client:
    client.session("LHLO client.test", "MAIL FROM:<>", *(f"RCPT TO:<{each}>" for each in USERS),
                   "DATA")
    client.send(stuffed(b"Subject: hello\r\n\r\nhello\r\n"))
    is_(client.reply().code, 250, "a_delivery_is_under_way")
    release = os.open(fifo, os.O_WRONLY)  # returns when the worker waits
    tmp = os.path.join(daemon.mailbox_path(KIM), "tmp")
    is_(len(os.listdir(tmp)), 1, "the_delivery_has_a_file_in_tmp")
    leave(daemon, f"good.test/kim/tmp/{DEAD}")
    leave(daemon, f".handoff/staging/{DEAD}")
    is_(sweep(daemon), (0, [f".handoff/staging/{DEAD}", f"good.test/kim/tmp/{DEAD}",
                            "2 removed, 3 kept"]), "a_sweep_removes_only_files_of_dead_processes")
    is_(len(os.listdir(tmp)), 1, "the_file_of_the_running_delivery_still_exists")
    os.write(release, b"x")
    os.close(release)
    is_(client.reply().code, 250, "the_running_delivery_succeeds")
    client.command("QUIT")
is_([len(daemon.messages(each)) for each in USERS], [1, 1], "every_message_answered_with_250_is_stored_once_L5")
is_(sweep(daemon, "--wet-run")[0], 64, "the_command_sweep_refuses_unknown_options")

# A sweep runs while the doctor waits for the sync of staging and both names of its probe file
# exist.
disk = SlowDisk(scratch)
disk.hold(".handoff/staging")
doctor = subprocess.Popen([program("HANDOFFCTL"), "-c", daemon.path, "doctor"],
                          env={**os.environ, **disk.environment}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
staging = os.path.join(daemon.spool, ".handoff/staging")
until(lambda: sum(name.startswith("doctor.") for name in os.listdir(staging)) == 2, "the probe file")
is_(sweep(daemon), (0, ["0 removed, 3 kept"]), "a_sweep_keeps_the_file_of_a_running_doctor")
disk.let_go()
told = doctor.communicate(timeout=60)[0]
if not ok("ok       probe in " in told, "the_doctor_finds_no_problem_during_a_sweep"):
    tap.diag(told)
ok(not any(name.startswith("doctor.") for name in os.listdir(staging)), "the_doctor_removes_its_own_file")

is_(daemon.stop(), 0, "the_server_exits_with_0")
daemon.write({"spool.sweep-interval": "1s"})
daemon.start()
seen = len(daemon.log)
late = leave(daemon, f"good.test/pat/tmp/{DEAD}")
line = daemon.wait_for(r"\babandoned\b", seen)
ok(f"file=good.test/pat/tmp/{DEAD}" in line, "the_server_sweeps_at_intervals_and_logs_the_result")
daemon.wait_for(r"\bswept\b", seen)
ok(not os.path.exists(late), "the_periodic_sweep_removed_the_file")
is_(daemon.stop(), 0, "a_server_stopped_during_a_possible_sweep_exits_with_0")
done()
