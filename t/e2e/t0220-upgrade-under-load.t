#!/usr/bin/env python3
"""Reloads and upgrades under load: no connection is refused and no reply is lost."""
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl, status
from handoffd import Handoffd, program
from lmtp import Lmtp, connect
from load import Load
from tap import diag, done, empty, is_, ok

PAT = "pat@good.test"
CLIENTS = 8
TIMES = int(os.environ.get("HANDOFF_UPGRADES", "20"))


def percent(values, share):
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


with Handoffd({"workers.max": 40, "workers.min-idle": 8, "recipients.max-concurrent": 0,
               "log.level": "warning"}, tcp=True, start=False) as daemon:
    # A copy of the program, which can be replaced.
    binary = os.path.join(daemon.scratch.path, "handoffd")
    shutil.copy(program("HANDOFFD"), binary)
    os.chmod(binary, 0o755)
    daemon.command[0] = binary
    daemon.write({"log.level": "info", "pid-file": f"{daemon.scratch.path}/first.pid"})
    daemon.mailbox(PAT)
    daemon.start()
    for name, address in (("unix", daemon.unix), ("tcp", daemon.tcp)):
        times = {"reload": [], "upgrade": []}
        failed = []
        with Load(address, CLIENTS, PAT) as load:
            for number in range(TIMES if name == "unix" else (TIMES + 3) // 4):
                for what in ("reload", "upgrade"):
                    begin = time.monotonic()
                    ended = ctl(daemon, what)
                    times[what].append(time.monotonic() - begin)
                    if ended.returncode != 0:
                        failed.append(f"{what} {number}: {ended.stderr}")
        count = len(times["reload"])
        empty(failed, f"{count}_reloads_and_{count}_upgrades_are_done_over_{name}")
        empty(load.faults, f"no_connection_is_refused_and_no_reply_lost_over_{name}")
        is_(load.postponed, 0, f"no_client_that_has_just_connected_gets_421_over_{name}_S11")
        ok(load.delivered > 0, f"clients_over_{name}_deliver_during_reloads_and_upgrades")
        diag(f"{name}: {load.delivered} delivered, {load.postponed} told 421; " + "; ".join(
            f"{what} {min(took):.3f} to {max(took):.3f} s" for what, took in times.items()))
        bodies = b"".join(daemon.messages(PAT))
        empty([each for each in load.acknowledged if each.encode() not in bodies],
              f"acknowledged_messages_over_{name}_are_stored_L5")
        for each in os.listdir(daemon.mailbox_path(PAT) + "/new"):
            os.unlink(daemon.mailbox_path(PAT) + "/new/" + each)
    is_(status(daemon)["pid"], daemon.pid, "an_upgrade_keeps_the_process_id")

    # --- A program that cannot serve.
    upgrades = status(daemon)["upgrades"]
    for fault, content in (("does_not_start", "#!/bin/sh\necho broken build >&2\nexit 70\n"),
                           ("is_not_a_program", "\0" * 100)):
        os.unlink(binary)
        daemon.scratch.file("handoffd", content)
        os.chmod(binary, 0o755)
        refused = ctl(daemon, "upgrade")
        is_(refused.returncode, 69, f"a_new_program_that_{fault}_is_refused")
        ok(fault != "does_not_start" or "broken build" in refused.stderr,
           f"the_caller_learns_why_the_new_program_{fault}")
        with Lmtp(daemon.unix) as client:
            is_(client.greeting.code, 220, f"the_old_program_continues_if_the_new_one_{fault}")
    os.unlink(binary)
    shutil.copy(program("HANDOFFD"), binary)
    daemon.write({"spool.newline": "unix"})
    refused = ctl(daemon, "upgrade")
    ok(refused.returncode == 69 and "spool.newline" in refused.stderr,
       "a_new_program_that_cannot_read_the_configuration_is_refused")
    daemon.write({"spool.newline": None})
    before = len(daemon.log)
    greeted = Lmtp(daemon.unix)
    counted = status(daemon)["totals"]
    base = daemon.scratch.path
    daemon.write({"control.socket": f"{base}/other.sock", "pid-file": f"{base}/other.pid"})
    daemon.signal(signal.SIGUSR2)
    daemon.wait_for(r"\bready\b", before)
    codes = greeted.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    is_([each.code for each in codes], [250, 250, 250, 354],
        "a_client_that_an_old_worker_had_only_greeted_may_still_send_a_message")
    greeted.send(b"Subject: old\r\n\r\n.\r\n")
    is_([each.code for each in greeted.replies(2)], [250, 421],
        "the_first_message_of_a_greeted_client_is_delivered_S11")
    is_(status(daemon)["upgrades"], upgrades + 1, "sigusr2_starts_an_upgrade")
    ok(status(daemon)["totals"]["delivered"] >= counted["delivered"] > 0,
       "an_upgrade_keeps_the_counters")
    with open(f"{base}/other.pid", encoding="ascii") as file:
        is_(int(file.read()), daemon.pid, "an_upgrade_uses_a_new_pid_file")
    is_([name for name in ("control.sock", "first.pid") if os.path.exists(f"{base}/{name}")], [],
        "an_upgrade_removes_the_old_control_socket_and_pid_file")

    # --- A stop: clients that wait in the backlog get a reply.
    daemon.write({"workers.max": 1, "workers.min-idle": 1, "workers.max-idle": 1})
    is_(ctl(daemon, "reload").returncode, 0, "one_worker_is_left")
    busy = Lmtp(daemon.unix, timeout=20)
    busy.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    waiting = [connect(address, 20) for address in (daemon.unix, daemon.tcp)]
    daemon.signal(signal.SIGTERM)
    daemon.wait_for("draining", before)
    busy.send(b"Subject: last\r\n\r\n.\r\n")
    is_(busy.reply().code, 250, "the_message_in_progress_is_delivered_S11")
    for stream in waiting:
        client = Lmtp(stream, 20)
        while client.greeting.code == 220:
            client.greeting = client.reply()
        is_((client.greeting.code, client.greeting.enhanced), (421, "4.3.2"),
            "a_connection_in_the_backlog_gets_421_and_is_not_reset_S11")
    is_(daemon.wait(), 0, "the_drained_daemon_exits_with_0")
    daemon.start()

done()
