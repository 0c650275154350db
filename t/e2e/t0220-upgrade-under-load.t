#!/usr/bin/env python3
"""Reloads and upgrades under load: not one connection refused, not one reply lost."""
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
    # A program of its own, that can be replaced.
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
        empty(load.faults, f"with_no_refused_connection_and_no_lost_reply_over_{name}")
        is_(load.postponed, 0, f"nor_any_421_to_who_has_just_connected_over_{name}_S11")
        ok(load.delivered > 0, f"{name}_clients_deliver_all_the_time")
        diag(f"{name}: {load.delivered} delivered, {load.postponed} told 421; " + "; ".join(
            f"{what} {min(took):.3f} to {max(took):.3f} s" for what, took in times.items()))
        bodies = b"".join(daemon.messages(PAT))
        empty([each for each in load.acknowledged if each.encode() not in bodies],
              f"what_was_acknowledged_over_{name}_is_there_L5")
        for each in os.listdir(daemon.mailbox_path(PAT) + "/new"):
            os.unlink(daemon.mailbox_path(PAT) + "/new/" + each)
    is_(status(daemon)["pid"], daemon.pid, "the_process_id_stays")

    # --- A program that cannot serve.
    upgrades = status(daemon)["upgrades"]
    for fault, content in (("does_not_start", "#!/bin/sh\necho broken build >&2\nexit 70\n"),
                           ("is_no_program", "\0" * 100)):
        os.unlink(binary)
        daemon.scratch.file("handoffd", content)
        os.chmod(binary, 0o755)
        refused = ctl(daemon, "upgrade")
        is_(refused.returncode, 69, f"a_new_program_that_{fault}_is_refused")
        ok(fault != "does_not_start" or "broken build" in refused.stderr,
           f"and_the_caller_hears_why_it_{fault}")
        with Lmtp(daemon.unix) as client:
            is_(client.greeting.code, 220, f"and_the_old_one_serves_on_where_it_{fault}")
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
        "a_client_that_an_old_worker_had_only_greeted_is_not_turned_away")
    greeted.send(b"Subject: old\r\n\r\n.\r\n")
    is_([each.code for each in greeted.replies(2)], [250, 421],
        "but_has_its_first_message_delivered_S11")
    is_(status(daemon)["upgrades"], upgrades + 1, "sigusr2_upgrades_as_well")
    ok(status(daemon)["totals"]["delivered"] >= counted["delivered"] > 0,
       "what_was_counted_is_not_forgotten")
    with open(f"{base}/other.pid", encoding="ascii") as file:
        is_(int(file.read()), daemon.pid, "an_upgrade_takes_a_new_pid_file")
    is_([name for name in ("control.sock", "first.pid") if os.path.exists(f"{base}/{name}")], [],
        "and_leaves_no_control_socket_or_pid_file_where_they_were")

    # --- A stop: who waits in the backlog is told.
    daemon.write({"workers.max": 1, "workers.min-idle": 1, "workers.max-idle": 1})
    is_(ctl(daemon, "reload").returncode, 0, "one_worker_is_left")
    busy = Lmtp(daemon.unix, timeout=20)
    busy.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    waiting = [connect(address, 20) for address in (daemon.unix, daemon.tcp)]
    daemon.signal(signal.SIGTERM)
    daemon.wait_for("draining", before)
    busy.send(b"Subject: last\r\n\r\n.\r\n")
    is_(busy.reply().code, 250, "the_message_under_way_is_delivered_S11")
    for stream in waiting:
        client = Lmtp(stream, 20)
        while client.greeting.code == 220:
            client.greeting = client.reply()
        is_((client.greeting.code, client.greeting.enhanced), (421, "4.3.2"),
            "a_connection_in_the_backlog_is_told_421_and_not_reset_S11")
    is_(daemon.wait(), 0, "and_the_daemon_ends_well")
    daemon.start()

done()
