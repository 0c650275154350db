#!/usr/bin/env python3
"""handoffctl doctor and status, /healthz, the status page and the metrics agree about each kind of
outage: whether mail is delivered, and if not, why."""
import os
import re
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from condition import Told, get
from control import ctl, status, until, workers
from handoffd import Handoffd, free_port
from lmtp import Lmtp, connect, deliver
from scratch import Scratch
from slow_disk import SlowDisk
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
ALL = 6


def serve_map(path, answer):
    """Starts a socket map that gives the same answer to every request."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen()

    def serve():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection):
        with connection:
            while connection.recv(4096):
                connection.sendall(b"%d:%s," % (len(answer), answer))

    threading.Thread(target=serve, daemon=True).start()


def told_as(condition, why, name, code=None):
    """Waits until /healthz reports this, because its last result stays valid for two seconds; then
    compares all reports."""
    first = "ok" if condition == "serving" else f"{condition}: {why}"
    until(lambda: any(line.startswith(first) for line in get(port, "/healthz")[1].splitlines()),
          f"{first}")
    told = Told(daemon, port)
    is_(told.verdicts(), (condition,) * ALL, f"each_report_says_{condition.replace(' ', '_')}_with_{name}")
    is_(told.healthz[0], code or (503 if condition == "not delivering" else 200),
        f"healthz_has_the_right_code_with_{name}")
    is_(told.doctor.returncode, 0 if condition == "serving" else 1, f"doctor_has_the_right_exit_code_with_{name}")
    if why:
        ok(why in told.doctor.stdout and why in told.table.replace("\n           ", " ") and
           any(why in each["what"] for each in told.json["reasons"]) and why in told.page,
           f"each_report_has_the_reason_for_{name}")
    return told


port = free_port()
scratch = Scratch()
disk = SlowDisk(scratch)
where = f"{scratch.path}/map.sock"
with Handoffd({"http.listen": str(port), "recipients.lookup-timeout": "2s",
               "recipients.lookup": f"socketmap:unix:{where}:m"}, scratch=scratch,
              environment=disk.environment) as daemon:
    daemon.mailbox(PAT)

    # --- A lookup that is down: every recipient is deferred.
    for _ in range(3):
        is_(deliver(daemon.unix, "", [PAT], MESSAGE).rcpt[PAT].code, 451, "a_recipient_is_deferred")
    told = told_as("not delivering", "lookup socketmap: ", "a_lookup_that_is_down")
    ok("No such file or directory" in told.healthz[1], "the_reason_contains_the_system_error")
    ok(re.search(r'<h1>[^/]*<span class="bad">not delivering', told.page), "the_page_shows_the_condition_in_red")
    serve_map(where, b"OK ")
    told_as("serving", "", "a_lookup_that_answers")
    daemon.write({"recipients.lookup": ["mailbox", f"socketmap:unix:{where}.away:m"]})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_adds_a_second_lookup")
    told_as("degraded", "lookup socketmap: ", "a_later_lookup_that_is_down")
    daemon.write({"recipients.lookup": f"socketmap:unix:{where}:m"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_removes_the_second_lookup")
    told_as("serving", "", "the_first_lookup_alone")

    # --- The room, staging and the spool. A worker that starts meanwhile dies, so the condition is
    # degraded.
    daemon.write({"spool.min-free": "99%"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_requires_more_free_space_than_there_is")
    told_as("not delivering", "room: ", "a_full_disk")
    daemon.write({"spool.min-free": "0"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_requires_less_free_space")
    told_as("serving", "", "a_disk_with_room")
    staging = f"{daemon.spool}/.handoff/staging"
    os.rename(staging, staging + ".away")
    with open(staging, "wb"):
        pass
    told_as("not delivering", "spool: ", "a_staging_that_is_a_file")
    os.unlink(staging)
    os.rename(staging + ".away", staging)
    os.rename(daemon.spool, daemon.spool + ".away")
    told_as("not delivering", "spool: ", "a_spool_that_is_missing")
    os.rename(daemon.spool + ".away", daemon.spool)
    until(lambda: get(port, "/healthz")[0] == 200, "the spool is back")
    disk.hold("spool")
    until(lambda: "spool: does not answer\n" in get(port, "/healthz")[1], "the disk is missed")
    is_(status(daemon)["state"], "not delivering", "while_the_disk_hangs_the_state_is_not_delivering")
    disk.let_go()
    until(lambda: get(port, "/healthz")[0] == 200, "the disk is back")

port = free_port()
with Handoffd({"http.listen": str(port)}) as daemon:
    daemon.mailbox(PAT)
    os.kill(workers(daemon)[0], signal.SIGKILL)
    daemon.wait_for("worker died")
    told = told_as("degraded", "workers: 1 has died in the last minute", "a_worker_that_died")
    ok("worker died: signal 9" in told.page and "worker died: signal 9" in told.table,
       "the_death_of_a_worker_is_among_the_last_failures")

port = free_port()
with Handoffd({"http.listen": str(port), "workers.max": "1", "workers.min-idle": "1"}) as daemon:
    daemon.mailbox(PAT)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test")
        daemon.wait_for("all workers are busy")
        is_(status(daemon)["reasons"], [], "busy_workers_are_no_reason_while_no_connection_waits")
        waiting = connect(daemon.unix)
        now = until(lambda: status(daemon)["state"] == "degraded" and status(daemon), "degraded")
        is_(now["reasons"], [{"condition": "degraded",
                              "what": "workers: all 1 are busy, connections wait"}],
            "waiting_connections_are_a_reason_for_degraded")
        waiting.close()
    # doctor and the health check that it requests are clients themselves. Here there are no others.
    is_([line for line in ctl(daemon, "doctor").stdout.split("\n") if "connections wait" in line],
        [], "doctor_does_not_report_its_own_connection_to_the_only_worker")

# --- A server that does not run: doctor asks the lookups itself.
daemon = Handoffd({"recipients.lookup": f"socketmap:unix:{where}.away:m"}, start=False)
said = ctl(daemon, "doctor")
ok(said.returncode == 1 and "PROBLEM  lookup socketmap: " in said.stdout,
   "if_the_server_is_stopped_doctor_queries_the_lookups")

done()
