#!/usr/bin/env python3
"""A reload whose new configuration was found good, and with which no worker can start all the same:
the old ones serve on, whoever asked hears it, and so does the service manager."""
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import shim
from control import ctl, status, until
from handoffd import Handoffd
from lmtp import deliver
from scratch import Scratch
from service_manager import ServiceManager
from tap import done, is_, ok, skip_all

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def only_idle_workers(daemon):
    """Whether nothing else is under way that opens the spool: a sweep, a worker that begins."""
    with open(f"/proc/{daemon.pid}/task/{daemon.pid}/children", encoding="ascii") as file:
        children = {int(pid) for pid in file.read().split()}
    workers = status(daemon)["workers"]
    return (children == {worker["pid"] for worker in workers}
            and all(worker["state"] == "idle" for worker in workers))


if why := shim.missing():
    skip_all(why)
scratch = Scratch()
manager = ServiceManager(os.path.join(scratch.path, "notify"))
opens = os.path.join(scratch.path, "opens")
environment = shim.preload("t/e2e/start_shim.c", scratch, SHIM_OPENS=opens)
with Handoffd({"workers.min-idle": "1", "workers.max-idle": "2"}, scratch=scratch,
              environment={**environment, "NOTIFY_SOCKET": manager.path}) as daemon:
    daemon.mailbox(PAT)
    manager.hear("READY=1")
    until(lambda: only_idle_workers(daemon), "it is at rest")
    scratch.file("opens", "")
    os.chmod(opens, stat.S_IRUSR | stat.S_IWUSR | stat.S_IWOTH)
    failed = ctl(daemon, "reload")
    ok(failed.returncode != 0 and "no worker could start" in failed.stderr,
       "whoever_asked_for_it_is_told")
    manager.hear("RELOADING=1")
    ok("no worker could start" in "".join(manager.hear("READY=1")),
       "the_service_manager_hears_that_it_is_over_and_why")
    ok(daemon.wait_for("no worker could start with the new configuration"), "the_log_too")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "the_old_workers_serve_on")
    os.unlink(opens)
    is_(ctl(daemon, "reload").returncode, 0, "the_next_reload_is_taken")
    manager.hear("RELOADING=1")
    manager.hear("READY=1")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "and_serves")
    is_(daemon.stop(), 0, "it_ends_well")
done()
