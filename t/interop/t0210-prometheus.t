#!/usr/bin/env python3
"""Prometheus reads the metrics, as OpenMetrics, and evaluates contrib's alert rules; its promtool
finds nothing to say of either; and they, contrib's dashboard and doc/operations.md know the same alerts and metrics as handoffd."""
import http.client
import json
import os
import re
import subprocess
import sys
import urllib.request
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from control import until
from daemon import Daemon
from handoffd import Handoffd, free_port
from lmtp import deliver
from mta import TOP
from tap import diag, done, empty, is_, ok

PROMTOOL = os.path.join(peer.folder("promtool"), "usr", "bin", "promtool")
PAT = "pat@good.test"



def asked(what):
    with urllib.request.urlopen(f"http://127.0.0.1:{web}/api/v1/{quote(what, '/?=')}",
                                timeout=30) as answer:
        return json.load(answer)["data"]


def every_rule():
    return [rule for group in asked("rules")["groups"] for rule in group["rules"]]


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

    # Prometheus itself, which asks for OpenMetrics.
    web = free_port()
    config = daemon.scratch.file("prometheus.yml", f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{TOP}/contrib/prometheus/handoff.rules.yml']
scrape_configs:
- job_name: handoff
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
""")
    prometheus = Daemon(daemon.scratch,
                        [os.path.join(os.path.dirname(PROMTOOL), "prometheus"),
                         f"--config.file={config}",
                         f"--storage.tsdb.path={daemon.scratch.path}/tsdb",
                         f"--web.listen-address=127.0.0.1:{web}"], ready="Server is ready")
    until(lambda: [each for each in asked("targets")["activeTargets"]
                   if each["health"] != "unknown"], "a scrape", 60)
    [target] = asked("targets")["activeTargets"]
    is_((target["health"], target["lastError"]), ("up", ""), "prometheus_reads_them")
    [delivered] = asked('query?query=handoff_recipients_total{outcome="delivered"}')["result"]
    is_(delivered["value"][1], "1", "and_has_the_numbers")
    is_(asked("metadata?metric=handoff_recipients")["handoff_recipients"][0]["type"], "counter",
        "as_openmetrics")
    until(lambda: every_rule() and not any(rule["health"] == "unknown" for rule in every_rule()),
          "each rule evaluated", 60)
    empty((rule for rule in every_rule() if rule["health"] != "ok"), "each_rule_can_be_evaluated")
    prometheus.stop()

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
