#!/usr/bin/env python3
"""With log.to = syslog the line of a message is written behind its reply: a slow syslog delays no mail."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import perf
from tap import diag, done, is_, ok, skip_all

if not shutil.which("strace"):
    skip_all("no strace (contrib/bootstrap)")

session = perf.Session()
session.log_to = "syslog"
trace = os.path.join(session.scratch.path, "trace")
session.run(["strace", "-f", "-s", "200", "-e", "trace=sendto,write,connect", "-o", trace], 2)
with open(trace, encoding="utf-8", errors="replace") as file:
    events = file.readlines()
# Where nobody listens to syslog, the attempt to reach it stands for the line.
kinds = ["begun" if "354 " in event else
         "reply" if "250 2.0.0 <u0@" in event else
         "log" if "delivered id=" in event or "/dev/log" in event else "" for event in events]
kinds = [kind for kind in kinds if kind]
while kinds and kinds[0] == "log":  # the start
    kinds.pop(0)
order = [kind for number, kind in enumerate(kinds) if number == 0 or kinds[number - 1] != kind]
if not ok("log" in order, "lines_are_written"):
    diag("".join(events[-30:]))
is_(order, ["begun", "reply", "log"] * 2, "each_behind_its_reply")
session.remove()
done()
