#!/usr/bin/env python3
"""With log.to = syslog the log lines of a message are written after its replies, so a slow syslog
delays no reply."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import perf
import tracing
from handoffd import is_sanitized
from tap import diag, done, is_, ok, skip_all

if is_sanitized():
    # The run-time library of a sanitizer does not work under strace.
    ok(True, "the_order_is_that_of_a_build_without_sanitizers")
    done()
if why := tracing.missing():
    skip_all(why)

session = perf.Session(3, sync="plain", log_to="syslog")  # plain commits the recipients one by one
trace = os.path.join(session.scratch.path, "trace")
session.run(["strace", "-f", "-s", "200", "-e", "trace=sendto,write,connect", "-o", trace], 2)
with open(trace, encoding="utf-8", errors="replace") as file:
    events = file.readlines()
# If nothing listens on the syslog socket, each attempt to connect counts as a log line.
kinds = ["begun" if "354 end with" in event else
         "reply" if "250 2.0.0 <u2@" in event else  # the last reply

         "log" if "delivered id=" in event or "/dev/log" in event else "" for event in events]
kinds = [kind for kind in kinds if kind]
while kinds and kinds[0] == "log":  # lines of the start
    kinds.pop(0)
order = [kind for number, kind in enumerate(kinds) if number == 0 or kinds[number - 1] != kind]
if not ok("log" in order, "log_lines_are_written_to_syslog"):
    diag("".join(events[-30:]))
is_(order, ["begun", "reply", "log"] * 2, "each_log_line_is_written_after_its_reply")
session.remove()
done()
