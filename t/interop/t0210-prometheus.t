#!/usr/bin/env python3
"""Prometheus reads the metrics as OpenMetrics and evaluates contrib's alert rules; promtool accepts
both; and the rules, contrib's dashboard and doc/operations.md use the same alerts and metrics as
handoffd."""
import http.client
import json
import os
import re
import subprocess
import sys
import urllib.request
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import peer
from control import until
from daemon import Daemon
from handoffd import Handoffd, free_port
from lmtp import deliver
from mta import TOP
from scratch import Scratch
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
scratch = Scratch()
# Metrics of a backend exist only after it has been asked.
lookups = ["mailbox"]
if parts.has("cdb"):
    lookups.append("file:" + scratch.file(
        "recipients", f"away@good.test host=127.0.0.1 port={free_port()}\n"))
with Handoffd({"http.listen": f"127.0.0.1:{port}", "recipients.lookup": lookups},
              scratch=scratch) as daemon:
    daemon.mailbox(PAT)
    deliver(daemon.unix, "", [PAT, "nobody@good.test", "away@good.test"],
            b"Subject: hello\r\n\r\nhello\r\n")
    for accept in ("*/*", "application/openmetrics-text"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/metrics", headers={"Accept": accept})
        text = connection.getresponse().read()
        connection.close()
        if accept == "*/*":
            checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, check=False,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            served = text.decode()
            is_((checked.returncode, checked.stdout), (0, b""), "promtool_check_metrics_reports_nothing")
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
    is_((target["health"], target["lastError"]), ("up", ""), "prometheus_reads_the_metrics")
    query = 'query?query=handoff_recipients_total{outcome="delivered"}'
    [delivered] = until(lambda: asked(query)["result"], "the scraped numbers can be queried", 60)
    is_(delivered["value"][1], "1", "prometheus_has_the_numbers")
    is_(asked("metadata?metric=handoff_recipients")["handoff_recipients"][0]["type"], "counter",
        "prometheus_reads_openmetrics_with_types")
    until(lambda: every_rule() and not any(rule["health"] == "unknown" for rule in every_rule()),
          "each rule evaluated", 60)
    empty((rule for rule in every_rule() if rule["health"] != "ok"), "each_rule_can_be_evaluated")
    prometheus.stop()

rules = os.path.join(TOP, "contrib/prometheus/handoff.rules.yml")
checked = subprocess.run([PROMTOOL, "check", "rules", "--lint-fatal", rules], check=False, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if not ok(checked.returncode == 0 and "SUCCESS" in checked.stdout, "promtool_accepts_the_rules"):
    diag(checked.stdout)
# Each alert fires when its cause occurs, and none fires while mail is delivered.
DEFERRED = ('handoff_refusals_total{at="rcpt",code="451",reason="lookup"}', "0+60x60")
TOO_MANY = ('handoff_refusals_total{at="rcpt",code="452",reason="too_many_recipients"}', "0+60x60")
NOT_STARTED = ('handoff_recipients_total{outcome="delivered"}', "5x60")
DELIVERED = ('handoff_recipients_total{outcome="delivered"}', "0+60x60")
CAUSES = {
    "": [DELIVERED, ('up{job="handoff"}', "1x60"), TOO_MANY,
         ('handoff_refusals_total{at="rcpt",code="451",reason="lookup"}', "3x60"),
         ('handoff_condition{condition="serving"}', "1x60"),
         ('handoff_condition{condition="not delivering"}', "0x60"),
         ("handoff_workers_limit", "8x60"),
         ('handoff_workers{state="data"}', "7x60"), ('handoff_workers{state="idle"}', "1x60"),
         ("handoff_spool_free_bytes", "50x60"), ("handoff_spool_size_bytes", "100x60")],
    "HandoffDown": [('up{job="handoff"}', "0x60")],
    "HandoffNotDelivering": [('handoff_condition{condition="not delivering"}', "1x60")],
    "HandoffDegraded": [('handoff_condition{condition="degraded"}', "1x60")],
    "HandoffDefers": [DEFERRED, DELIVERED],
    "HandoffDeliversNothing": [DEFERRED, NOT_STARTED],
    "HandoffSpoolFull": [("handoff_spool_free_bytes", "4x60"), ("handoff_spool_size_bytes", "100x60")],
    "HandoffSpoolInodes": [("handoff_spool_free_inodes", "4x60"), ("handoff_spool_inodes", "100x60")],
    "HandoffSlowDisk": [('handoff_sync_seconds_bucket{le="1"}', "0x60"),
                        ('handoff_sync_seconds_bucket{le="5"}', "0+60x60"),
                        ('handoff_sync_seconds_bucket{le="+Inf"}', "0+60x60")],
    "HandoffNoIdleWorker": [('handoff_workers{state="data"}', "8x60"),
                            ('handoff_workers{state="idle"}', "0x60"),
                            ("handoff_workers_limit", "8x60")],
    "HandoffBackendDown": [('handoff_backend_up{backend="mail1:24"}', "0x60")],
    "HandoffWorkerStuck": [("handoff_killed_workers_total", "0x20 1x40")],
    "HandoffWorkersDie": [("handoff_worker_deaths_total", "0+1x60")],
    "HandoffCrowdedMailbox": [("handoff_crowded_recipients_total", "0+60x60")],
    "HandoffOldOutgoing": [("handoff_outgoing_oldest_seconds", "3600+60x60")],
    "HandoffReloadRefused": [('handoff_reloads_total{result="refused"}', "0x20 1x40")],
}
scratch = Scratch()
for alert, series in CAUSES.items():
    name = f',alertname="{alert}"' if alert else ""
    test = {"rule_files": [rules], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in series],
        "promql_expr_test": [{"expr": f'count(ALERTS{{alertstate="firing"{name}}})',
                              "eval_time": "30m",
                              "exp_samples": [{"labels": "{}", "value": 1}] if alert else []}]}]}
    # JSON is YAML.
    file = scratch.file("rules.test.yml", json.dumps(test))
    tested = subprocess.run([PROMTOOL, "test", "rules", file], check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not is_(tested.returncode, 0, f"{alert}_fires_on_its_cause" if alert else
               "no_alert_fires_while_mail_is_delivered"):
        diag(tested.stdout)
with open(rules, encoding="utf-8") as file:
    rules = file.read()
empty(set(re.findall(r"alert: (\w+)", rules)) ^ (set(CAUSES) - {""}), "each_alert_is_tested")
with open(os.path.join(TOP, "contrib/grafana/handoff.json"), encoding="utf-8") as file:
    board = json.load(file)
expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
ok(len(expressions) > 10, "the_dashboard_has_queries")
for what, text in (("rules", rules), ("dashboard", " ".join(expressions))):
    names = set(re.findall(r"\bhandoff_\w+", text))
    if not parts.has("cdb"):
        names = {name for name in names if not name.startswith("handoff_backend_")}
    empty((name for name in sorted(names) if not re.search(rf"^{name}[{{ ]", served, re.M)),
          f"each_metric_of_the_{what}_is_served")
alerts = re.findall(r"alert: (\w+)", rules)
with open(os.path.join(TOP, "doc/operations.md"), encoding="utf-8") as file:
    told = re.findall(r"^### (Handoff\w+)$", file.read(), re.M)
is_(sorted(told), sorted(alerts), "operations.md_says_what_to_do_for_each_alert")

done()
