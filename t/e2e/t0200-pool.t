#!/usr/bin/env python3
"""The pool: it grows, is full, is stuck, throttles, and wakes one worker for one connection."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import status, until
from handoffd import Handoffd
from lmtp import Lmtp, connect, deliver
from scratch import Scratch
from slow_disk import SlowDisk
from tap import diag, done, is_, ok

PAT, STUCK = "pat@good.test", "stuck@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def begin(daemon, recipient):
    """A delivery whose outcome is not waited for."""
    client = Lmtp(daemon.unix, timeout=20)
    client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{recipient}>", "DATA")
    client.send(MESSAGE + b".\r\n")
    return client


def pids(daemon):
    return {worker["pid"] for worker in status(daemon)["workers"]}


# --- Growth, the limit, and the way back.
with Handoffd({"workers.max": 6, "workers.min-idle": 1, "workers.max-idle": 2}) as daemon:
    clients = [Lmtp(daemon.unix) for _ in range(6)]
    is_(len(clients), 6, "as_many_clients_as_workers_max_are_greeted_at_once")
    daemon.wait_for("all workers are busy, connections wait")
    stream = connect(daemon.unix)
    is_(status(daemon)["pool"]["max"], 6, "status_answers_while_all_workers_are_busy")
    clients.pop().close()
    waiting = Lmtp(stream)
    is_(waiting.greeting.code, 220, "a_connection_that_waited_is_served_when_a_worker_is_free")
    is_(sum("all workers are busy" in line for line in daemon.log), 1, "and_the_log_said_so_once")
    for client in [*clients, waiting]:
        client.close()
    daemon.wait_for("workers are idle again")
    until(lambda: len(pids(daemon)) <= 2, "idle workers above max-idle are retired")
    ok(True, "idle_workers_above_max_idle_are_retired_one_after_another")
    is_(status(daemon)["pool"]["deaths"], 0, "and_none_is_counted_as_dead")

# --- One connection wakes one.
with Handoffd({"workers.max": 72, "workers.min-idle": 64, "workers.max-idle": 72}) as daemon:
    until(lambda: status(daemon)["pool"]["idle"] >= 64, "64 idle workers")

    def switches():
        total = 0
        for pid in pids(daemon):
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file
                             if line.startswith("voluntary_ctxt_switches"))
        return total

    if os.path.exists("/proc/self/status"):
        before = switches()
        for _ in range(100):
            with Lmtp(daemon.unix) as client:
                client.command("QUIT")
        each = (switches() - before) / 100
        diag(f"{each:.2f} context switches a connection, with 64 idle workers")
        with open(os.environ["HANDOFFD"], "rb") as program:
            exclusive = b"epoll_create" in program.read()  # a build without it wakes all
        if exclusive:
            ok(each < 12, "one_connection_wakes_one_of_many_idle_workers")

# --- A mailbox that is stuck, and a worker that is.
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
    is_(status(daemon)["totals"]["crowded"], 1, "and_the_surplus_is_counted")
    disk.let_go()
    is_([client.reply().code for client in clients], [250, 250],
        "those_that_were_in_are_delivered_when_the_disk_goes_on")

    disk.hold("stuck")
    client = begin(daemon, STUCK)
    line = daemon.wait_for("worker killed: no progress")
    ok("state=commit" in line, "a_worker_without_progress_is_killed_and_the_log_says_at_what")
    disk.let_go()
    until(lambda: status(daemon)["pool"]["killed"] == 1, "the kill is counted")
    is_(deliver(daemon.unix, "", [STUCK], MESSAGE).final[STUCK].code, 250,
        "and_the_mailbox_is_open_again")

# --- Workers that die as they begin.
with Handoffd({"workers.max": 4}) as daemon:
    daemon.mailbox(PAT)
    os.rename(daemon.spool, daemon.spool + ".away")
    for pid in pids(daemon):
        os.kill(pid, signal.SIGKILL)
    daemon.wait_for("cannot begin", count=2)
    until(lambda: status(daemon)["pool"]["throttled"], "starts are put off")
    ok(status(daemon)["pool"]["throttles"] >= 2, "workers_that_die_early_throttle_the_next")
    ok(sum("cannot begin" in line for line in daemon.log) < 10,
       "and_there_is_no_loop_of_forks")
    os.rename(daemon.spool + ".away", daemon.spool)
    is_(deliver(daemon.unix, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
        "the_pool_comes_back_when_the_cause_has_gone")

done()
