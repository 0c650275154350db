#!/usr/bin/env python3
"""X13: status, the page, the metrics and /healthz report about each host that mail is passed on to:
whether and since when it is up or down, connections, recipients by their last reply, and time to
reply."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from backend import Backend
from condition import get
from control import ctl, status, until, workers
from handoffd import Handoffd, free_port
from lmtp import deliver
from lookups import rcpt
from scratch import Scratch
from tap import done, is_, ok, skip_all

if not parts.has("cdb"):
    skip_all("this handoffd was built without tinycdb, so there is no file: lookup")

MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


def table(scratch, hosts):
    return "file:" + scratch.file("recipients", "".join(
        f"{user}@example.org host=127.0.0.1 port={port}\n" for user, port in hosts.items()))


def code(daemon, user):
    return deliver(daemon.unix, "", [f"{user}@example.org"], MESSAGE).final[f"{user}@example.org"].code


def backends(daemon):
    return {each["name"]: each for each in status(daemon)["backends"]}


def counts(facts):
    return facts["delivered"], facts["deferred"], facts["rejected"]


scratch, http = Scratch(), free_port()
answers = {"RCPT TO:<full@": "452 4.2.2 full", "final refused@example.org": "550 5.7.1 no"}
with Backend(answers=answers) as one, Backend() as two:
    down = free_port()
    hosts = {"pat": one.port, "full": one.port, "refused": one.port, "lee": two.port, "kim": down}
    settings = {"recipients.lookup": table(scratch, hosts), "http.listen": str(http),
                "workers.max": "1", "workers.min-idle": "1"}
    with Handoffd(settings, scratch=scratch) as daemon:
        is_(backends(daemon), {}, "a host that was never asked is not shown")
        begun = int(time.time())
        is_([code(daemon, "pat"), code(daemon, "pat"), code(daemon, "refused"), code(daemon, "lee")],
            [250, 250, 550, 250], "mail is passed on")
        is_(rcpt(daemon, "full@example.org", "kim@example.org"), [452, 451], "and refused")
        names = {each: f"127.0.0.1:{port}" for each, port in
                 (("one", one.port), ("two", two.port), ("down", down))}
        shown = backends(daemon)
        is_({each: counts(shown[name]) for each, name in names.items()},
            {"one": (2, 1, 1), "two": (1, 0, 0), "down": (0, 1, 0)},
            "recipients are counted by host and outcome")
        is_({each: shown[name]["up"] for each, name in names.items()},
            {"one": True, "two": True, "down": False}, "each host is up or down")
        ok(all(begun - 1 <= shown[name]["since"] <= time.time() + 1 for name in names.values()),
           "since when is shown")
        is_([shown[names[each]]["message_to_reply"]["count"] for each in ("one", "two", "down")],
            [3, 1, 0], "the time to reply of each message is measured")
        is_({each: shown[name]["connections"] for each, name in names.items()},
            {"one": 1, "two": 1, "down": 0}, "open connections are counted")

        text = ctl(daemon, "status").stdout.replace("\n           ", " ")
        ok(re.search(rf"backend    {names['one']} up [0-9]+ m?s, 1 connection, 2 delivered, "
                     r"1 deferred, 1 rejected, message to reply [0-9.]+ ", text), "the table has a line for each")
        ok(re.search(rf"backend    {names['down']} down [0-9]+ m?s, 0 connections", text),
           "also for one that is down")
        ok(f"reason     degraded: backend {names['down']}: does not answer" in text,
           "a host that does not answer is a reason for degraded")
        page = get(http, "/")[1]
        ok(f"<td class=w>{names['one']}<td class=good>up " in page and
           f"<td class=w>{names['down']}<td class=bad>down " in page, "the page shows them")
        metrics = get(http, "/metrics")[1]
        for line in (f'handoff_backend_up{{backend="{names["one"]}"}} 1',
                     f'handoff_backend_up{{backend="{names["down"]}"}} 0',
                     f'handoff_backend_connections{{backend="{names["two"]}"}} 1',
                     f'handoff_backend_recipients_total{{backend="{names["one"]}",outcome="delivered"}} 2',
                     f'handoff_backend_reply_seconds_count{{backend="{names["one"]}"}} 3'):
            ok(line + "\n" in metrics, f"the metrics have {line.partition('{')[0]}: {line[-1]}")
        said = ctl(daemon, "doctor")
        ok(said.returncode == 1 and
           f"PROBLEM  server: degraded: backend {names['down']}: does not answer" in said.stdout,
           "doctor reports it")

        # It comes back.
        with Backend(port=down):
            is_(code(daemon, "kim"), 250, "the host is asked again")
            is_((backends(daemon)[names["down"]]["up"], status(daemon)["state"]), (True, "serving"),
                "and is up")
        # The host closes the idle connection, which is normal.
        one.cut()
        until(lambda: code(daemon, "pat") == 250, "a new connection")
        is_(backends(daemon)[names["one"]]["up"], True, "a kept connection that has ended is no failure")

        # The numbers outlive the worker and the program.
        before = {name: counts(facts) for name, facts in backends(daemon).items()}
        os.kill(workers(daemon)[0], 9)
        daemon.wait_for("worker died")
        until(lambda: status(daemon)["pool"]["idle"] == 1, "another worker")
        after = backends(daemon)
        is_({name: counts(facts) for name, facts in after.items()}, before,
            "the counts remain when a worker has died")
        is_({facts["connections"] for facts in after.values()}, {0}, "its connections do not")
        is_(ctl(daemon, "upgrade").returncode, 0, "an upgrade")
        is_({name: counts(facts) for name, facts in backends(daemon).items()}, before,
            "the counts remain after an upgrade")

# --- More hosts than are counted individually.
scratch = Scratch()
with Backend() as backend:
    # Only the first address has a server.
    lines = "".join(f"u{i}@example.org host=127.0.0.{i + 1} port={backend.port}\n" for i in range(40))
    with Handoffd({"recipients.lookup": "file:" + scratch.file("recipients", lines),
                   "proxy.timeout": "2s", "workers.max": "1", "workers.min-idle": "1"},
                  scratch=scratch) as daemon:
        for i in range(40):
            rcpt(daemon, f"u{i}@example.org")
        shown = status(daemon)["backends"]
        is_((len(shown), shown[-1]["name"], shown[-1]["deferred"]), (33, "other", 8),
            "the hosts beyond the first 32 are added up")
done()
