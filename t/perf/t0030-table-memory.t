#!/usr/bin/env python3
"""With recipients.lookup = file:, a worker needs no more private memory for 100,000 lines than for
one line. (make bench BENCH='--parts table' prints the amounts.)"""
import os
import re
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from control import workers
from handoffd import Handoffd
from lmtp import Lmtp
from scratch import Scratch
from tap import diag, done, ok, skip_all

WORKERS = 6
LINES = 100000
SLACK = 64  # KiB: a few pages, because the start of the heap varies
SHARE = 256  # KiB, of the 7 MiB for this many lines


def of(pid):
    """{'Pss': KiB, 'Private_Dirty': KiB, ...}"""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB", file.read(), re.M)}


def measured(lines):
    """Returns the median of the figures of the workers, after each has looked up a recipient."""
    scratch = Scratch()
    table = scratch.file("recipients", "".join(f"user{number}@example.org mailbox=people/{number}\n"
                                               for number in range(lines)))
    with Handoffd({"recipients.lookup": f"file:{table}", "workers.max": WORKERS,
                   "workers.min-idle": WORKERS, "workers.max-idle": WORKERS},
                  scratch=scratch) as daemon:
        clients = [Lmtp(daemon.unix, timeout=60) for _ in range(WORKERS)]
        for client in clients:
            replies = client.session("LHLO client.test", "MAIL FROM:<>",
                                     f"RCPT TO:<user{lines - 1}@example.org>")
            assert replies[-1].code == 250, replies
        found = [of(pid) for pid in workers(daemon)]
        for client in clients:
            client.close()
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


parts.need("cdb")
if not os.path.exists("/proc/self/smaps_rollup"):
    skip_all("no smaps_rollup here")
one, many = measured(1), measured(LINES)
if not ok(abs(many["Private_Dirty"] - one["Private_Dirty"]) <= SLACK,
          "a_worker_has_the_same_private_memory_with_100000_recipients_as_with_one") or \
        not ok(many["Pss_Anon"] + many["Pss_Shmem"] - one["Pss_Anon"] - one["Pss_Shmem"] <= SHARE,
               "a_worker_maps_no_more_pages_of_the_table_than_it_has_read") or os.environ.get("V"):
    diag(f"KiB of a worker, one line: {one}; {LINES}: {many}")
done()
