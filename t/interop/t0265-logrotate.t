#!/usr/bin/env python3
"""logrotate rotates the log with contrib's file while rsyslog writes the lines of a handoffd under
load: they continue in the new file, and no line is lost."""
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from control import ctl
from daemon import Daemon
from handoffd import Handoffd
from load import Load
from mta import TOP, until
from scratch import Scratch
from tap import diag, done, empty, is_, ok

peer.enter("logrotate")
LOG, PIDFILE, RULES = "/var/log/handoff.log", "/run/rsyslogd.pid", "/etc/logrotate.d/handoff"
PAT = "pat@good.test"
TIMES = 4


def size():
    return os.path.getsize(LOG) if os.path.exists(LOG) else 0


def rotate():
    """Runs logrotate like cron, with --force. Returns the errors."""
    run = subprocess.run(["logrotate", "-f", "-s", "/tmp/logrotate.status", RULES], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return (run.returncode, run.stdout)


scratch = Scratch()
shutil.copy(os.path.join(TOP, "contrib/logrotate/handoff"), RULES)
os.chmod(RULES, 0o644)
os.makedirs("/var/spool/rsyslog", exist_ok=True)
rsyslog = Daemon(scratch, ["rsyslogd", "-n", "-i", PIDFILE, "-f", scratch.file(
    "rsyslog.conf", f'module(load="imuxsock")\n$WorkDirectory /var/spool/rsyslog\nmail.* {LOG}\n')])
until(lambda: os.path.exists("/dev/log") and os.path.exists(PIDFILE), "rsyslogd listens")

daemon = Handoffd({"log.to": "syslog", "recipients.max-concurrent": 0}, start=False)
daemon.ready = None  # it logs to syslog
daemon.mailbox(PAT)
daemon.start()
until(lambda: ctl(daemon, "status").returncode == 0, "handoffd serves")
wrong = []
with Load(daemon.unix, 2, PAT) as load:
    for _ in range(TIMES):
        until(lambda: size() > 2000, "the log grows")
        wrong.append(rotate())
        until(lambda: size() > 2000, "it grows in the new file")
is_(wrong, [(0, "")] * TIMES, "logrotate_accepts_the_file_of_contrib_without_a_message")
is_(daemon.stop(), 0, "handoffd_ends_well")
is_(rsyslog.stop(), 0, "rsyslogd_has_written_all_lines")

text = ""
for path in glob.glob(LOG + "*"):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        text += file.read()
is_(sorted(os.path.basename(path) for path in glob.glob(LOG + "*")),
    ["handoff.log", "handoff.log.1", *(f"handoff.log.{n}.gz" for n in range(2, TIMES + 1))],
    "each_time_a_new_log_was_started")
said = Counter(re.findall(r' delivered .*\bfile="?([^" ]+)', text))
names = [os.path.basename(path) for path in maildir.files(daemon.mailbox_path(PAT))]
diag(f"{len(names)} messages, {sum(said.values())} lines")
empty([name for name in names if said[name] != 1], "each_message_has_its_line_once")
is_(load.faults, [], "every_client_got_its_replies")
ok(len(names) >= load.delivered > 0, "the_log_was_rotated_under_load")

done()
