#!/usr/bin/env python3
"""handoffctl status, the control socket, and the fields of the log."""
import fcntl
import json
import os
import pty
import re
import signal
import stat
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl, status, until
from handoffd import Handoffd, program
from lmtp import Lmtp, deliver
from tap import done, empty, is_, ok

PAT, LEE = "pat@good.test", "lee@good.test"
WIPE = "\x1b[H\x1b[2J"
MESSAGE = (b"Received: by mx.test (Postfix, from userid 0)\r\n\tid 4bVqXk1ZzZz9; date\r\n"
           b"Message-ID: <one@client.test>\r\nSubject: hello\r\n\r\nhello\r\n")



def watch(daemon, lines):
    """Runs handoffctl status --watch on a terminal; returns the second screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 80, 0, 0))
    watcher = subprocess.Popen([program("HANDOFFCTL"), "-c", daemon.path, "status", "--watch"],
                               stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = ""
    until_then = time.monotonic() + 60
    while shown.count(WIPE) < 3 and time.monotonic() < until_then:
        shown += os.read(ours, 65536).decode()
    watcher.send_signal(signal.SIGINT)
    watcher.wait(60)
    os.close(ours)
    return shown.split(WIPE)[2].replace("\r", "").splitlines()


with Handoffd() as daemon:
    daemon.mailbox(PAT)
    daemon.mailbox(LEE)
    sender = "a-very-long-sender-" + "x" * 40 + "@" + ".".join(["sub" * 10] * 5) + ".test"
    is_([each.code for each in deliver(daemon.unix, sender, [PAT, LEE], MESSAGE).final.values()],
        [250, 250], "two_recipients_are_delivered_to")
    daemon.wait_for(f"delivered .*to=<{LEE}>")  # the last recipient
    lines = [line for line in daemon.log if " delivered " in line]
    is_(len(lines), 2, "the_log_has_a_line_for_each_recipient")
    for field in ("id", "queue_id", "from", "to", "message_id", "mailbox", "file", "size", "code",
                  "dsn", "reply", "delay", "lookup", "write", "sync", "commit"):
        ok(all(re.search(rf" {field}=\S", line) for line in lines), f"the_log_line_of_a_delivery_has_{field}")
    ok(all("code=250 dsn=2.0.0" in line for line in lines), "reply_code_and_status_code_are_separate_fields")

    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
        until(lambda: status(daemon)["pool"]["data"] == 1, "a worker waits for data")
        now = status(daemon)
        [busy] = [worker for worker in now["workers"] if worker["state"] == "data"]
        ok(busy["peer"] == "local" and busy["id"], "status_says_peer_and_message_of_a_session")
        is_((now["totals"]["delivered"], now["totals"]["sessions"]), (2, 1),
            "status_counts_deliveries_and_sessions")
        is_(now["state"], "serving", "status_says_that_the_server_is_serving")
        table = ctl(daemon, "status").stdout
        empty([line for line in table.splitlines() if len(line) > 80],
              "the_table_fits_80_columns")
        ok(re.search(r"^ *\d+ data ", table, re.M), "the_table_shows_the_state_of_each_worker")
    is_(oct(stat.S_IMODE(os.stat(f"{daemon.scratch.path}/control.sock").st_mode)), "0o600",
        "only_the_owner_can_use_the_control_socket")
    is_(ctl(daemon, "status", "--jsn").returncode, 64, "a_mistyped_option_is_a_usage_error")
    now = json.loads(ctl(daemon, "status", "--json").stdout)
    ok(now["last_minute"] and now["replies"]["354"] == 2, "json_output_is_valid_and_counts_replies")
    os.rename(daemon.mailbox_path(LEE) + "/new", daemon.mailbox_path(LEE) + "/away")
    with open(daemon.mailbox_path(LEE) + "/new", "wb"):
        pass  # no directory
    deliver(daemon.unix, "", [LEE], MESSAGE)
    until(lambda: status(daemon)["failures"], "the status shows the failure")
    is_(status(daemon)["failures"][0]["address"], LEE, "json_has_the_last_failures")
    ok(re.search(r"^failed .* ago: 451 4\.2\.0 ", ctl(daemon, "status").stdout, re.M),
       "the_table_shows_the_failure")
    ok(f", for {LEE}" in ctl(daemon, "status").stdout.replace("\n           ", " "),
       "the_table_names_the_recipient_of_a_failure")

    # --- On a terminal of twelve lines.
    screen = watch(daemon, 12)
    is_(len(screen), 11, "watch_fills_exactly_one_screen")
    ok(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", screen[0]), "watch_begins_with_the_time")
    ok(screen[1].startswith("handoff ") and re.match(r"\.\.\. \d+ more lines", screen[-1]),
       "watch_shows_the_first_lines_and_how_many_are_missing")
    ok(not any("more lines" in line for line in watch(daemon, 200)), "a_large_terminal_shows_all_lines")

    # --- A control socket whose path has changed.
    daemon.write({"control.socket": f"{daemon.scratch.path}/elsewhere.sock"})
    is_(ctl(daemon, "status").returncode, 69, "nobody_answers_yet_at_the_new_control.socket")
    daemon.signal(signal.SIGUSR2)
    until(lambda: ctl(daemon, "status").returncode == 0, "the server has moved", 60)
    ok(not os.path.exists(f"{daemon.scratch.path}/control.sock"), "sigusr2_moves_the_control_socket")

    drained = ctl(daemon, "drain")
    ok(drained.returncode == 0 and "draining" in drained.stdout, "handoffctl_drain_is_answered")
    is_(daemon.wait(), 0, "a_drained_daemon_ends_after_its_last_session")
    daemon.start()

done()
