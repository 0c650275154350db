#!/usr/bin/env python3
"""A reload whose new configuration passed the check although no worker can start with it: the old
workers continue, and handoffctl and the service manager learn of the failure."""
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import shim
from control import ctl, status, until
from handoffd import Handoffd
from lmtp import deliver
from processes import children, titled
from scratch import Scratch
from service_manager import ServiceManager
from tap import done, is_, ok, skip_all

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def only_idle_workers(daemon):
    """Returns whether no other process, such as a sweep or a starting worker, is opening the
    spool."""
    workers = status(daemon)["workers"]
    others = set(children(daemon.pid)) - {worker["pid"] for worker in workers}
    others -= {*titled(others, "status"), *titled(others, "fork server")}
    return not others and all(worker["state"] == "idle" for worker in workers)


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
       "the_caller_learns_why_the_reload_failed")
    manager.hear("RELOADING=1")
    ok("no worker could start" in "".join(manager.hear("READY=1")),
       "the_service_manager_learns_that_the_reload_failed_and_why")
    ok(daemon.wait_for("no worker could start with the new configuration"), "the_log_says_why_the_reload_failed")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "after_a_failed_reload_the_old_workers_continue")
    os.unlink(opens)
    is_(ctl(daemon, "reload").returncode, 0, "the_next_reload_succeeds")
    manager.hear("RELOADING=1")
    manager.hear("READY=1")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "the_server_serves_after_the_next_reload")
    is_(daemon.stop(), 0, "the_server_exits_with_0")
done()
