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
from control import status, until, workers
from handoffd import Handoffd, program
from lmtp import Lmtp, deliver
from processes import children, open_processes
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
ONE = {"workers.max": 1, "workers.min-idle": 1, "workers.max-idle": 1}


def is_cut(client):
    """Waits for the end of a connection; returns whether no reply preceded it."""
    try:
        return client.at_end()
    except ConnectionResetError:
        return True


def run(daemon, *arguments):
    """Runs a second handoffd with the same configuration; returns its exit code and stderr."""
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
    ok(is_cut(client), "a_client_whose_worker_is_killed_reads_end_of_file_and_no_reply_L5")
    line = daemon.wait_for("worker died")
    ok(f"worker={worker}" in line and "signal 9" in line, "the_log_says_how_the_worker_died")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
        "the_master_starts_another_worker")
    is_(len(daemon.messages(PAT)), 1, "no_partial_message_was_delivered_R5")
    is_([name for name in daemon.staged() if f"P{worker}Q" in name], [],
        "files_of_the_dead_worker_in_staging_are_removed")

    # --- A worker crashes after a good session.
    before = len(daemon.log)
    [worker] = until(lambda: workers(daemon), "a worker")
    until(lambda: status(daemon)["workers"][0]["sessions"] > 0, "its session has ended")
    os.kill(worker, signal.SIGSEGV)
    died = datetime.datetime.fromisoformat(
        re.match(r"\S+", daemon.wait_for("worker died.*sessions=1", before)).group()[:-1])
    is_(deliver(daemon.unix, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
        "a_worker_that_crashed_after_a_good_session_is_replaced")
    greeted = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    ok((greeted - died).total_seconds() >= 0.95, "the_replacement_starts_after_a_delay")

    # --- A socket in use is not taken over.
    code, said = run(daemon, "-f")
    is_(code, 69, "a_live_socket_is_not_taken_over")
    ok("Address already in use" in said, "a_second_daemon_says_that_the_socket_is_in_use")
    code, _ = run(daemon)
    is_(code, 69, "a_live_socket_is_not_taken_over_in_the_background_either")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "the_first_daemon_continues_to_serve")

    # --- The master is killed.
    idle = Lmtp(daemon.unix, timeout=20)
    idle.command("LHLO client.test")
    ends = open_processes(children(daemon.pid))
    daemon.signal(signal.SIGKILL)
    reply = idle.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"),
        "a_client_between_transactions_gets_421_when_the_master_is_killed_S11")
    is_(daemon.wait(), -9, "the_master_was_killed")  # waits until all processes have closed the log
    ok(ends and all(select.select([end], [], [], 20)[0] for end in ends),
       "the_workers_of_a_killed_master_end")
    for end in ends:
        os.close(end)
    ok(os.path.exists(daemon.unix.partition(":")[2]), "the_socket_file_of_a_killed_master_stays")
    daemon.start()
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "the_next_start_replaces_a_stale_socket")

    client = begin_data(daemon)
    daemon.signal(signal.SIGKILL)
    daemon.process.wait(20)
    client.send(b"second half\r\n.\r\n")
    is_(client.reply().code, 250, "a_message_whose_data_had_begun_is_delivered_without_the_master_S11")
    is_(client.reply().code, 421, "after_that_message_the_worker_ends_too_S11")
    is_(daemon.wait(), -9, "no_process_of_the_killed_master_is_left")
    is_(len(daemon.messages(PAT)), 5, "messages_answered_with_250_are_stored_L5")

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
    ok(gaps[1] >= 1.95, "after_a_second_early_death_the_delay_doubles")
    ok(gaps[1] < 3.9, "the_delay_no_more_than_doubles")
    ok("exit 75" in daemon.wait_for("worker died", before, 2), "the_log_has_the_exit_codes_of_workers_that_died_early")
    os.rename(daemon.spool + ".away", daemon.spool)

# --- The pid file.
with Handoffd(start=False) as daemon:
    pid_file = os.path.join(daemon.scratch.path, "handoffd.pid")
    daemon.write({"pid-file": pid_file})
    daemon.start()
    with open(pid_file, encoding="ascii") as file:
        is_(file.read(), f"{daemon.pid}\n", "the_pid_file_has_the_masters_process_id")
    code, said = run(daemon, "-f", "--listen", f"unix:{daemon.scratch.path}/other.sock")
    is_(code, 73, "a_locked_pid_file_is_not_taken_over")
    ok("pid file" in said, "the_second_daemon_says_that_the_pid_file_is_locked")
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    ok(not os.path.exists(pid_file), "the_pid_file_is_removed_when_the_daemon_ends")

    daemon.start()
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    ok(os.path.exists(pid_file), "a_killed_master_leaves_its_pid_file")
    daemon.start()
    with open(pid_file, encoding="ascii") as file:
        is_(file.read(), f"{daemon.pid}\n", "the_next_master_takes_over_the_pid_file")
    is_(daemon.stop(), 0, "the_daemon_that_took_over_the_pid_file_exits_with_0")

    # --- Becoming a daemon.
    daemon.mailbox(PAT)
    try:
        # Reads standard error to its end, so no process of the daemon may keep it open.
        is_(run(daemon)[0], 0, "a_daemon_in_the_background_is_started")
    finally:
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
        daemon.scratch.guard(pid)
    # No waiting is necessary: the command returns when the daemon is ready.
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "the_daemon_serves_when_its_starter_returns")
    is_(os.getsid(pid), pid, "the_daemon_has_a_session_of_its_own")
    is_(os.readlink(f"/proc/{pid}/cwd"), "/", "the_working_directory_of_the_daemon_is_the_root")
    is_({os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)}, {"/dev/null"},
        "the_standard_descriptors_of_the_daemon_are_dev_null")
    end = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    ok(select.select([end], [], [], 20)[0], "sigterm_ends_the_daemon")
    os.close(end)
    daemon.scratch.release(pid)
    ok(not os.path.exists(pid_file), "the_pid_file_was_removed")
    os.rename(daemon.spool, daemon.spool + ".away")
    code, said = run(daemon)
    is_(code, 75, "if_the_daemon_cannot_serve_its_starter_exits_with_an_error")
    ok("No such file" in said and daemon.spool in said, "the_error_names_the_spool_and_the_cause")
    is_(run(daemon, "-f")[0], 75, "a_daemon_in_the_foreground_has_the_same_exit_code")
    ok(not os.path.exists(daemon.unix.partition(":")[2]), "a_daemon_that_cannot_serve_leaves_no_socket_behind")
    os.rename(daemon.spool + ".away", daemon.spool)
    daemon.start()

done()
