#!/usr/bin/env python3
"""Prometheus' promtool finds nothing to say of the metrics, nor of contrib's alert rules; and they,
contrib's dashboard and doc/operations.md know the same alerts and metrics as handoffd."""
import http.client
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import Handoffd, free_port
from lmtp import deliver
from mta import TOP
from tap import diag, done, empty, is_, ok

PROMTOOL = os.path.join(peer.folder("promtool"), "usr", "bin", "promtool")
PAT = "pat@good.test"

port = free_port()
with Handoffd({"http.listen": f"127.0.0.1:{port}"}) as daemon:
    daemon.mailbox(PAT)
    deliver(daemon.unix, "", [PAT, "nobody@good.test"], b"Subject: hello\r\n\r\nhello\r\n")
    for accept in ("*/*", "application/openmetrics-text"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/metrics", headers={"Accept": accept})
        text = connection.getresponse().read()
        connection.close()
        if accept == "*/*":
            checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, check=False,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            served = text.decode()
            is_((checked.returncode, checked.stdout), (0, b""), "promtool_check_metrics_is_silent")
        else:
            ok(text.endswith(b"# EOF\n"), "openmetrics_end_with_eof")

rules = os.path.join(TOP, "contrib/prometheus/handoff.rules.yml")
checked = subprocess.run([PROMTOOL, "check", "rules", "--lint-fatal", rules], check=False, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if not ok(checked.returncode == 0 and "SUCCESS" in checked.stdout, "promtool_takes_the_rules"):
    diag(checked.stdout)
with open(rules, encoding="utf-8") as file:
    rules = file.read()
with open(os.path.join(TOP, "contrib/grafana/handoff.json"), encoding="utf-8") as file:
    board = json.load(file)
expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
ok(len(expressions) > 10, "the_dashboard_asks_for_something")
for what, text in (("rules", rules), ("dashboard", " ".join(expressions))):
    names = set(re.findall(r"\bhandoff_\w+", text))
    empty((name for name in sorted(names) if not re.search(rf"^{name}[{{ ]", served, re.M)),
          f"each_metric_of_the_{what}_is_served")
alerts = re.findall(r"alert: (\w+)", rules)
with open(os.path.join(TOP, "doc/operations.md"), encoding="utf-8") as file:
    told = re.findall(r"^### (Handoff\w+)$", file.read(), re.M)
is_(sorted(told), sorted(alerts), "operations.md_says_what_to_do_for_each_alert")

done()
