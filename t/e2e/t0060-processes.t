#!/usr/bin/env python3
"""Master and workers: deaths, restarts, the pid file, becoming a daemon."""
import datetime
import os
import re
import select
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import workers
from handoffd import Handoffd, program
from lmtp import Lmtp, deliver
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
ONE = {"workers.max": 1, "workers.min-idle": 1, "workers.max-idle": 1}


def children(daemon):
    """The process ids of the master's children."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    pairs = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, parent in pairs if int(parent) == daemon.pid]


def is_cut(client):
    """Waits for the end of a connection; whether there was no reply before it."""
    try:
        return client.at_end()
    except ConnectionResetError:
        return True


def run(daemon, *arguments):
    """Runs another handoffd with the daemon's configuration; returns its exit code and stderr."""
    ended = subprocess.run([program("HANDOFFD"), "-c", daemon.path, *arguments], check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True, timeout=20)
    return ended.returncode, ended.stderr


def begin_data(daemon):
    client = Lmtp(daemon.unix, timeout=20)
    client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    client.send(b"Subject: cut\r\n\r\n" + b"half\r\n" * 100000)
    return client


with Handoffd(ONE) as daemon:
    daemon.mailbox(PAT)

    # --- A worker is killed in the middle of a message.
    client = begin_data(daemon)
    [worker] = workers(daemon)
    os.kill(worker, signal.SIGKILL)
    ok(is_cut(client), "a_client_whose_worker_is_killed_sees_the_end_and_no_reply_L5")
    line = daemon.wait_for("worker died")
    ok(f"worker={worker}" in line and "signal 9" in line, "the_log_says_how_the_worker_died")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
        "the_master_starts_another_worker")
    is_(len(daemon.messages(PAT)), 1, "nothing_half_was_delivered_R5")
    is_([name for name in daemon.staged() if f"P{worker}Q" in name], [],
        "what_the_dead_worker_left_in_staging_is_swept")

    # --- Nobody takes over a live socket.
    code, said = run(daemon, "-f")
    is_(code, 69, "a_live_socket_is_not_taken_over")
    ok("Address already in use" in said, "and_the_second_daemon_says_why")
    code, _ = run(daemon)
    is_(code, 69, "nor_by_one_in_the_background")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "and_the_first_serves_on")

    # --- The master is killed.
    idle = Lmtp(daemon.unix, timeout=20)
    idle.command("LHLO client.test")
    daemon.signal(signal.SIGKILL)
    reply = idle.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"),
        "a_client_between_transactions_gets_421_when_the_master_is_killed_S11")
    is_(daemon.wait(), -9, "the_master_was_killed")  # waits until all have closed the log
    is_([os.path.exists(f"/proc/{pid}") for pid in children(daemon)], [],
        "the_workers_of_a_killed_master_go_away")
    ok(os.path.exists(daemon.unix.partition(":")[2]), "its_socket_file_stays")
    daemon.start()
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "the_next_start_replaces_a_stale_socket")

    client = begin_data(daemon)
    daemon.signal(signal.SIGKILL)
    daemon.process.wait(20)
    client.send(b"second half\r\n.\r\n")
    is_(client.reply().code, 250, "data_that_had_begun_outlives_the_master_S11")
    is_(client.reply().code, 421, "and_then_its_worker_goes_too_S11")
    is_(daemon.wait(), -9, "and_nothing_of_it_is_left")
    is_(len(daemon.messages(PAT)), 4, "and_what_was_answered_with_250_is_there_L5")

    # --- Workers that cannot start.
    daemon.start()
    before = len(daemon.log)
    os.rename(daemon.spool, daemon.spool + ".away")
    os.kill(workers(daemon)[0], signal.SIGKILL)
    times = [datetime.datetime.fromisoformat(
                 re.match(r"\S+", daemon.wait_for("worker died", before, count)).group()[:-1])
             for count in (1, 2, 3)]
    gaps = [(later - sooner).total_seconds() for sooner, later in zip(times, times[1:])]
    ok(gaps[0] >= 0.95, "a_worker_that_died_early_is_not_replaced_at_once")
    ok(gaps[1] >= 1.95, "and_the_delay_doubles")
    ok(gaps[1] < 3.9, "and_does_no_more_than_double")
    ok("exit 75" in daemon.wait_for("worker died", before, 2), "and_the_log_says_how_they_ended")
    os.rename(daemon.spool + ".away", daemon.spool)

# --- The pid file.
with Handoffd(start=False) as daemon:
    pid_file = os.path.join(daemon.scratch.path, "handoffd.pid")
    daemon.write({"pid-file": pid_file})
    daemon.start()
    with open(pid_file, encoding="ascii") as file:
        is_(file.read(), f"{daemon.pid}\n", "the_pid_file_has_the_masters_process_id")
    code, said = run(daemon, "-f", "--listen", f"unix:{daemon.scratch.path}/other.sock")
    is_(code, 73, "a_pid_file_that_is_held_is_not_taken")
    ok("pid file" in said, "and_the_second_daemon_says_so")
    is_(daemon.stop(), 0, "it_ends_well")
    ok(not os.path.exists(pid_file), "the_pid_file_goes_with_the_daemon")

    daemon.start()
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    ok(os.path.exists(pid_file), "a_killed_master_leaves_its_pid_file")
    daemon.start()
    with open(pid_file, encoding="ascii") as file:
        is_(file.read(), f"{daemon.pid}\n", "and_the_next_one_takes_it")
    is_(daemon.stop(), 0, "and_ends_well")

    # --- Becoming a daemon.
    daemon.mailbox(PAT)
    try:
        # This reads standard error to its end: nobody of the daemon may keep it.
        is_(run(daemon)[0], 0, "a_daemon_in_the_background_is_started")
    finally:
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
        daemon.scratch.guard(pid)
    # No waiting: the starter returns when the daemon serves.
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "and_serves_when_its_starter_returns")
    is_(os.getsid(pid), pid, "it_has_a_session_of_its_own")
    is_(os.readlink(f"/proc/{pid}/cwd"), "/", "it_keeps_no_folder_busy")
    is_({os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)}, {"/dev/null"},
        "its_standard_descriptors_are_dev_null")
    end = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    ok(select.select([end], [], [], 20)[0], "sigterm_ends_it")
    os.close(end)
    daemon.scratch.release(pid)
    ok(not os.path.exists(pid_file), "and_its_pid_file_is_gone")
    os.rename(daemon.spool, daemon.spool + ".away")
    code, said = run(daemon)
    is_(code, 75, "a_daemon_that_cannot_serve_says_so_by_its_starters_exit_code")
    ok("No such file" in said and daemon.spool in said, "and_in_words")
    is_(run(daemon, "-f")[0], 75, "in_the_foreground_as_well")
    ok(not os.path.exists(daemon.unix.partition(":")[2]), "and_leaves_no_socket_behind")
    os.rename(daemon.spool + ".away", daemon.spool)
    daemon.start()

done()
