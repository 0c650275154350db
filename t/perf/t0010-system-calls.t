#!/usr/bin/env python3
"""A message takes no more system calls, and no more flushes of the disk, than t/perf/figures says."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import perf
from tap import diag, done, skip_all

SYNCS = ("fsync", "fdatasync", "syncfs", "sync")

# statx says that all is known (stx_mask, octet 0), and that the birth was in 1970 (stx_btime, octet 80).
OLD = "inject=statx:poke_exit=@arg5=" + "ff0f0000" + "00" * 76 + "01" + "00" * 7


def counted(session, messages):
    """Returns {call: number} of a session of so many messages."""
    out = os.path.join(session.scratch.path, "calls")
    # A mailbox younger than a minute is synced by each delivery; the cost of an older one matters.
    session.run(["strace", "-f", "-c", "-U", "calls,name", "-e", OLD, "-o", out], messages)
    with open(out, encoding="ascii") as lines:
        found = [re.match(r"\s*(\d+)\s+(\w+)$", line) for line in lines]
    return {match[2]: int(match[1]) for match in found if match}


if not shutil.which("strace"):
    skip_all("no strace (contrib/bootstrap)")
if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL,
                  check=False).returncode != 0:
    skip_all("strace may not trace here")

for recipients in (1, 10):
    session = perf.Session(recipients)
    cost = perf.per_message(lambda messages, session=session: counted(session, messages))
    total = cost.pop("total")
    kind = f"{recipients}-recipient{'s' if recipients > 1 else ''}"
    perf.holds(f"calls-{kind}", total,
               f"a_message_to_{kind}_takes_no_more_system_calls".replace("-", "_"))
    perf.holds(f"syncs-{kind}", sum(cost.get(name, 0) for name in SYNCS),
               f"a_message_to_{kind}_takes_no_more_syncs".replace("-", "_"))
    if os.environ.get("V"):
        diag(" ".join(f"{name} {number:g}" for name, number in
                      sorted(cost.items(), key=lambda each: -each[1]) if number))
    session.scratch.remove()
session = perf.Session()
with session.company(20):
    cost = perf.per_message(lambda messages: counted(session, messages))
    perf.holds("calls-1-recipient", cost["total"],
               "nor_does_it_where_twenty_others_have_begun_one")
session.scratch.remove()
done()
