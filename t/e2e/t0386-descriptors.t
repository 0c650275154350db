#!/usr/bin/env python3
"""No process of handoff has descriptors that it does not need: neither those that the caller of the
master left open, nor the master's own."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import workers
from handoffd import Handoffd
from lmtp import deliver
from processes import descriptors
from tap import done, empty, ok, skip_all

if not os.path.isdir("/proc/self/fd"):
    skip_all("no /proc tells the descriptors of a process")


def open_files(pid):
    return [link for number, link in descriptors(pid).items() if number > 2]


class Leaking(Handoffd):
    """A handoffd whose caller leaves descriptors open."""

    def start(self):
        leaked = self.scratch.file("leaked", "")
        # A careless init script passes them on.
        self.command = ["sh", "-c", 'exec "$@" 7>>"$0" 9<"$0"', leaked, *self.command]
        super().start()


with Leaking({"workers.max": 2, "workers.min-idle": 2}, start=False) as daemon:
    daemon.write({"pid-file": os.path.join(daemon.scratch.path, "handoffd.pid")})
    daemon.start()
    pid_file = os.path.join(daemon.scratch.path, "handoffd.pid")
    daemon.mailbox("pat@example.org")
    deliver(daemon.unix, "", ["pat@example.org"], b"Subject: x\r\n\r\nx\r\n")
    ok(pid_file in open_files(daemon.pid), "the_master_has_its_pid_file_open")
    empty([each for each in open_files(daemon.pid) if "leaked" in each],
          "the_master_has_no_descriptor_of_its_caller")
    for worker in workers(daemon):
        files = open_files(worker)
        empty([each for each in files if "leaked" in each or each == pid_file],
              "a_worker_has_no_descriptor_of_the_caller_or_the_pid_file")
        empty([each for each in files if each.startswith("/") and not each.startswith(daemon.spool)
               and each != "/dev/null"], "a_worker_has_no_file_outside_of_the_spool_open")
done()
