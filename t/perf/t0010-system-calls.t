#!/usr/bin/env python3
"""A message takes no more system calls, and no more flushes of the disk, than t/perf/figures says."""
import collections
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import perf
import tracing
from tap import diag, done, skip_all

SYNCS = ("fsync", "fdatasync", "syncfs", "sync")

# statx reports all fields (stx_mask, octet 0) and a birth time in 1970 (stx_btime, octet 80).
OLD = "inject=statx:poke_exit=@arg5=" + "ff0f0000" + "00" * 76 + "01" + "00" * 7


def counted(session, messages, company=0):
    """Returns {call: number} for the worker that serves a session of this many messages."""
    trace = os.path.join(session.scratch.path, "trace")
    # Each delivery syncs a mailbox that is younger than a minute; the cost of an older one is
    # measured.
    session.serve(["strace", "-f", "-e", OLD, "-o", trace], messages, company)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        told = [line.split(maxsplit=1) for line in lines]
    # A call that is interrupted by calls of others has two lines: "recvfrom(7,  <unfinished ...>",
    # and "<... recvfrom resumed>" with the result.
    worker = next(pid for pid, event in told if "sender@example" in event)
    calls = (re.match(r"(\w+)\(", event) for pid, event in told if pid == worker)
    return collections.Counter(call[1] for call in calls if call)


if why := tracing.missing():
    skip_all(why)

MAKERS = [["mkfs.ext4", "-q"], ["mkfs.btrfs", "-q", "--mixed"]]
if not mounts.private() or not os.path.exists("/dev/loop-control"):
    MAKERS = []


def hold(session, kind, sentence):
    cost = perf.per_message(lambda messages: counted(session, messages))
    perf.holds(f"calls-{kind}", sum(cost.values()), f"{sentence}_no_more_system_calls")
    perf.holds(f"syncs-{kind}", sum(cost.get(name, 0) for name in SYNCS), f"{sentence}_no_more_syncs")
    if os.environ.get("V"):
        diag(" ".join(f"{name} {number:g}" for name, number in
                      sorted(cost.items(), key=lambda each: -each[1]) if number))
    session.remove()


for recipients in (1, 10):
    kind = f"{recipients}-recipient{'s' if recipients > 1 else ''}"
    sentence = f"a_message_to_{kind}".replace("-", "_")
    hold(perf.Session(recipients), kind, f"{sentence}_takes")
    for mkfs in MAKERS:
        name = mkfs[0].rpartition(".")[2]
        if shutil.which(mkfs[0]):
            hold(perf.Session(recipients, sync="auto", mkfs=mkfs), f"{kind}-{name}",
                 f"{sentence}_on_{name}_takes")
session = perf.Session()
cost = perf.per_message(lambda messages: counted(session, messages, company=20))
perf.holds("calls-1-recipient", sum(cost.values()), "a_message_takes_no_more_system_calls_while_twenty_others_are_sent")
session.remove()
done()
