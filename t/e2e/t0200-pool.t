#!/usr/bin/env python3
"""The pool of workers grows up to its limit, replaces stuck workers, delays restarts after crashes,
and wakes one worker for one connection."""
import contextlib
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import processes
from control import status, until
from handoffd import Handoffd
from lmtp import Lmtp, connect, deliver
from scratch import Scratch
from slow_disk import SlowDisk
from tap import diag, done, is_, ok

PAT, STUCK = "pat@good.test", "stuck@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def begin(daemon, recipient):
    """Starts a delivery without waiting for the outcome."""
    client = Lmtp(daemon.unix, timeout=20)
    client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{recipient}>", "DATA")
    client.send(MESSAGE + b".\r\n")
    return client


def pids(daemon):
    return {worker["pid"] for worker in status(daemon)["workers"]}


# --- Growth, the limit, and shrinking.
with Handoffd({"workers.max": 6, "workers.min-idle": 1, "workers.max-idle": 2}) as daemon:
    clients = [Lmtp(daemon.unix) for _ in range(6)]
    is_(len(clients), 6, "clients_up_to_workers_max_are_greeted_at_once")
    daemon.wait_for("all workers are busy")
    stream = connect(daemon.unix)
    is_(status(daemon)["pool"]["max"], 6, "status_answers_while_all_workers_are_busy")
    clients.pop().close()
    waiting = Lmtp(stream)
    is_(waiting.greeting.code, 220, "a_connection_that_waited_is_served_when_a_worker_is_free")
    is_(sum("all workers are busy" in line for line in daemon.log), 1, "the_log_reports_the_full_pool_once")
    for client in [*clients, waiting]:
        client.close()
    daemon.wait_for("workers are idle again")
    until(lambda: len(pids(daemon)) <= 2, "idle workers above max-idle are retired")
    ok(True, "idle_workers_above_max_idle_are_retired_one_after_another")
    is_(status(daemon)["pool"]["deaths"], 0, "retired_workers_are_not_counted_as_dead")

# --- One connection wakes one worker.
with Handoffd({"workers.max": 72, "workers.min-idle": 64, "workers.max-idle": 72}) as daemon:
    until(lambda: status(daemon)["pool"]["idle"] >= 64, "64 idle workers")

    def switches():
        return sum(int(processes.status(pid)["voluntary_ctxt_switches"]) for pid in pids(daemon))

    if os.path.exists("/proc/self/status"):
        before = switches()
        for _ in range(100):
            with Lmtp(daemon.unix) as client:
                client.command("QUIT")
        each = (switches() - before) / 100
        diag(f"{each:.2f} context switches a connection, with 64 idle workers")
        if parts.has("linux-extras"):  # a build without epoll(7) wakes all workers
            ok(each < 12, "one_connection_wakes_one_of_many_idle_workers")

# --- A stuck mailbox, and a stuck worker.
scratch = Scratch()
disk = SlowDisk(scratch)
with Handoffd({"workers.max": 8, "recipients.max-concurrent": 2, "workers.progress-timeout": "3s"},
              scratch=scratch, environment=disk.environment) as daemon:
    daemon.mailbox(PAT)
    daemon.mailbox(STUCK)
    disk.hold("stuck")
    clients = [begin(daemon, STUCK) for _ in range(2)]
    until(lambda: status(daemon)["pool"]["commit"] == 2, "two workers commit")
    surplus = deliver(daemon.unix, "", [STUCK, PAT], MESSAGE)
    is_((surplus.rcpt[STUCK].code, surplus.rcpt[STUCK].enhanced), (451, "4.3.2"),
        "more_than_max_concurrent_deliveries_to_a_mailbox_get_451")
    is_(surplus.final[PAT].code, 250, "the_other_recipient_of_the_same_message_is_delivered_to_L6")
    is_(status(daemon)["totals"]["crowded"], 1, "surplus_deliveries_are_counted")
    disk.let_go()
    is_([client.reply().code for client in clients], [250, 250],
        "blocked_messages_are_delivered_when_the_disk_continues")

    disk.hold("stuck")
    client = begin(daemon, STUCK)
    line = daemon.wait_for("worker killed: no progress")
    ok("state=commit" in line, "a_worker_without_progress_is_killed_and_the_log_names_its_state")
    disk.let_go()
    until(lambda: status(daemon)["pool"]["killed"] == 1, "the kill is counted")
    is_(deliver(daemon.unix, "", [STUCK], MESSAGE).final[STUCK].code, 250,
        "after_the_kill_the_mailbox_accepts_mail_again")

# --- Workers that die at startup.
with Handoffd({"workers.max": 4}) as daemon:
    daemon.mailbox(PAT)
    os.rename(daemon.spool, daemon.spool + ".away")
    for pid in pids(daemon):
        with contextlib.suppress(ProcessLookupError):  # it has seen that the spool is gone
            os.kill(pid, signal.SIGKILL)
    daemon.wait_for("cannot begin", count=2)
    until(lambda: status(daemon)["pool"]["throttled"], "starts are delayed")
    ok(status(daemon)["pool"]["throttles"] >= 2, "workers_that_die_early_delay_the_next_start")
    ok(sum("cannot begin" in line for line in daemon.log) < 10,
       "early_deaths_cause_no_loop_of_forks")
    os.rename(daemon.spool + ".away", daemon.spool)
    is_(deliver(daemon.unix, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
        "the_pool_recovers_when_the_cause_has_gone")

done()
