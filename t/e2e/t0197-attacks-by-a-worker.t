#!/usr/bin/env python3
"""A worker that somebody has taken over writes to the memory that it shares with others, and reads
that of processes with the same user. The test makes these calls in the worker."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import injected
import parts
from control import ctl, until, workers
from handoffd import Handoffd, is_sanitized, program
from injected import Injected
from lmtp import Closed, deliver
from processes import descendants, send_signal
from tap import done, is_, ok, skip_all

if is_sanitized():
    ok(True, "a_build_with_sanitizers_can_be_traced")
    done()
if why := injected.missing():
    skip_all(why)

PAT = "pat@good.test"
ONE = {"workers.max": 1, "workers.min-idle": 1}
READ_WRITE, SIGKILL = 3, 9


def outcome(daemon):
    """Returns the code of the reply to a message, or why there is none."""
    try:
        return deliver(daemon.unix, "", [PAT], b"Subject: x\r\n\r\nx\r\n", timeout=20).final[PAT].code
    except (OSError, Closed) as error:
        return str(error) or type(error).__name__


def scoreboards(pid):
    """Returns [(address, size)] of the memory that the process shares with the master."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, rights, *_, name = line.split(maxsplit=5)
            if rights[3] == "s" and ("memfd:" in name or "/dev/zero" in name):
                begin, end = (int(part, 16) for part in span.split("-"))
                found.append((begin, end - begin))
    return found


def replace_worker(daemon, worker):
    send_signal([worker], SIGKILL)
    until(lambda: worker not in workers(daemon), "the end of the worker")


# --- A worker overwrites the scoreboard: only its own slot changes.
with Handoffd(ONE) as daemon:
    daemon.mailbox(PAT)
    is_(outcome(daemon), 250, "the_worker_delivers_before_it_is_attacked")
    worker, = workers(daemon)
    shared = scoreboards(worker)
    with Injected(worker) as process:
        written = 0
        for begin, size in shared:
            process.call("mprotect", begin, size, READ_WRITE)
            for page in range(begin, begin + size, 4096):
                written += max(0, process.call("getrandom", page, 4096, 0))
    # Other systems have no memory that cannot be made writable again.
    if parts.has("linux-extras"):
        ok(0 < written < sum(size for _, size in shared),
           f"a_worker_can_write_to_its_own_slot_only ({written} octets)")
    replace_worker(daemon, worker)
    is_(outcome(daemon), 250, "the_next_worker_delivers_after_the_scoreboard_was_overwritten")
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_succeeds_after_the_scoreboard_was_overwritten")
    is_(outcome(daemon), 250, "the_worker_of_the_next_generation_delivers_after_the_scoreboard_was_overwritten")

# --- All processes have one user, because the master is not root.
with Handoffd({**ONE, "user": None, "group": None}, start=False) as daemon:
    os.chmod(daemon.scratch.path, 0o777)
    copy = shutil.copy(program("HANDOFFD"), daemon.scratch.path)
    uid, gid = daemon.owner
    daemon.command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", copy,
                      *daemon.command[1:]]
    daemon.start()
    daemon.mailbox(PAT)
    is_(outcome(daemon), 250, "a_master_that_is_not_root_delivers")
    for pid in descendants(daemon.pid):
        read = subprocess.run(["cat", f"/proc/{pid}/maps", f"/proc/{pid}/environ"], user=uid, group=gid, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        is_(read, b"", "another_process_of_the_user_does_not_see_the_memory_of_a_process")
done()
