#!/usr/bin/env python3
"""Each alert of contrib/prometheus fires in a real Prometheus when its condition is caused on a
running handoffd, and none fires for one that delivers. The times of the rules are shortened."""
import json
import os
import re
import signal
import sys
import time
import urllib.request
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import parts
import peer
import shim
from control import until, workers
from daemon import Daemon
from fake_sendmail import Sendmail, queue
from handoffd import Handoffd, free_port
from lmtp import Lmtp, deliver, stuffed
from mta import TOP
from scratch import Scratch
from slow_disk import SlowDisk
from tap import done, is_, ok, skip, skip_all

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
SLOW_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fdatasync(int fd) {
  usleep(1500000);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""
DOWN = "socketmap:unix:/nonexistent/map.sock:m"

if shim.missing():
    skip_all(shim.missing())
PROMETHEUS = os.path.join(peer.folder("promtool"), "usr", "bin", "prometheus")
has_mounts = mounts.private()
scratch = Scratch()
with open(f"{TOP}/contrib/prometheus/handoff.rules.yml", encoding="utf-8") as file:
    rules = file.read()
every = set(re.findall(r"alert: (\w+)", rules))
shortened = re.sub(r"\[\d+m\]", "[20s]", re.sub(r"for: \d+m", "for: 1s", rules))
daemons, targets, caused = {}, {}, {}


def start(name, settings=None, **how):
    """Starts a handoffd that Prometheus polls, in a folder of its own."""
    port = free_port()
    daemon = Handoffd({"http.listen": str(port), **(settings or {})}, **how)
    daemon.mailbox(PAT)
    daemons[name], targets[name] = daemon, f"127.0.0.1:{port}"
    return daemon


def send(daemon, times=1):
    for _ in range(times):
        deliver(daemon.unix, "", [PAT], MESSAGE, timeout=60)


def begin(daemon):
    """Returns a session that waits for the reply to its content."""
    client = Lmtp(daemon.unix)
    client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    client.send(stuffed(MESSAGE))
    return client


def asked(what):
    with urllib.request.urlopen(f"http://127.0.0.1:{web}/api/v1/{what}", timeout=30) as answer:
        return json.load(answer)["data"]


def fired():
    """Returns all alerts that have fired since the start, including those that have ended again."""
    found = asked("query?query=" + quote('last_over_time(ALERTS{alertstate="firing"}[1h])'))
    return {(each["metric"]["alertname"], each["metric"]["instance"]) for each in found["result"]}


def fires(alert, name):
    """Waits for the alert of that daemon."""
    caused[alert] = name
    wanted = (alert, targets[name])
    ok(until(lambda: wanted in fired(), f"{alert} of {name}: {daemons[name].log[-3:]}", 120),
       f"{alert}_fires")


start("well")
start("lookup", {"recipients.lookup": DOWN})
start("second", {"recipients.lookup": ["mailbox", DOWN]})
start("dying", {"workers.min-idle": "8", "workers.max-idle": "9"})
start("busy", {"workers.max": "1", "workers.min-idle": "1"})
start("stopped")
outgoing_scratch = Scratch()
os.chmod(outgoing_scratch.path, 0o755)
relay = Sendmail(outgoing_scratch)
relay.fail()
start("outgoing", {"sieve.enabled": "yes", "sieve.sendmail": relay.path})
backend_scratch = Scratch()
start("proxy", {"recipients.lookup": "file:" + backend_scratch.file(
    "recipients", f"{PAT} host=127.0.0.1 port={free_port()}\n")}
      if parts.has("cdb") else {}, scratch=backend_scratch)
disk_scratch = Scratch()
disk = SlowDisk(disk_scratch)
start("stuck", {"workers.progress-timeout": "3s"}, scratch=disk_scratch,
      environment=disk.environment)
crowd_scratch = Scratch()
crowd_disk = SlowDisk(crowd_scratch)
start("crowd", {"recipients.max-concurrent": "1"}, scratch=crowd_scratch,
      environment=crowd_disk.environment)
slow_scratch = Scratch()
start("slow", {"spool.sync": "plain"}, scratch=slow_scratch, environment=shim.preload(
    slow_scratch.file("slow_sync.c", SLOW_SYNC), slow_scratch))
if has_mounts:
    full_scratch = Scratch()
    os.makedirs(f"{full_scratch.path}/spool")
    mounts.tmpfs(f"{full_scratch.path}/spool", "size=16m,nr_inodes=400")
    full = start("full", {"spool.min-free": "0", "spool.min-free-inodes": "0"},
                 scratch=full_scratch)
web = free_port()
config = scratch.file("prometheus.yml", f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{scratch.file("rules.yml", shortened)}']
scrape_configs:
- job_name: handoff
  static_configs: [{{targets: {json.dumps(list(targets.values()))}}}]
""")
prometheus = Daemon(scratch, [PROMETHEUS, f"--config.file={config}",
                              f"--storage.tsdb.path={scratch.path}/tsdb",
                              f"--web.listen-address=127.0.0.1:{web}"],
                    ready="Server is ready")
# Prometheus has to read the values from before the causes, because increase() compares with them.
until(lambda: {each["metric"]["instance"] for each in asked("query?query=up==1")["result"]} ==
      set(targets.values()), "each target is scraped", 120)
send(daemons["well"])

# --- All conditions at once.
send(daemons["lookup"])
send(daemons["proxy"])
daemons["stopped"].stop()
for pid in until(lambda: len(pids := workers(daemons["dying"])) == 8 and pids, "eight workers"):
    os.kill(pid, signal.SIGKILL)
sitting = Lmtp(daemons["busy"].unix)
sitting.session("LHLO client.test")
daemons["well"].write({"no.such.setting": "1"})
daemons["well"].signal(signal.SIGHUP)
daemons["well"].wait_for("reload refused")
caused["HandoffReloadRefused"] = "well"
disk.hold("good.test/pat")
held = begin(daemons["stuck"])
crowd_disk.hold("good.test/pat")
first = begin(daemons["crowd"])
until(lambda: Lmtp(daemons["crowd"].unix).session(
    "LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>")[-1].code == 451, "it is crowded")
if has_mounts:
    with open(f"{full.spool}/filler", "wb") as filler:
        filler.write(bytes(15 << 20))
    number = 0
    while os.statvfs(full.spool).f_favail > 2:
        number += 1
        os.mkdir(f"{full.spool}/.{number}")
queue(daemons["outgoing"].spool, f"{int(time.time()) - 7200}.M1P1Q1R00000000.host", PAT,
      ["pat@example.net"], message=MESSAGE)
send(daemons["slow"], 3)
fires("HandoffNotDelivering", "lookup")
fires("HandoffDegraded", "second")
fires("HandoffDown", "stopped")
fires("HandoffWorkersDie", "dying")
fires("HandoffNoIdleWorker", "busy")
if parts.has("cdb"):
    fires("HandoffBackendDown", "proxy")
else:
    caused["HandoffBackendDown"] = "proxy"  # only a table names backends
fires("HandoffReloadRefused", "well")
fires("HandoffWorkerStuck", "stuck")
fires("HandoffOldOutgoing", "outgoing")
for alert, name in (("HandoffDefers", "lookup"), ("HandoffDeliversNothing", "lookup"),
                    ("HandoffSlowDisk", "slow"), ("HandoffCrowdedMailbox", "crowd")):
    # These alerts depend on a rate, so the cause has to continue.
    def lasts(daemon=daemons[name], name=name, wanted=(alert, targets[name])):
        if name == "crowd":
            with Lmtp(daemon.unix) as client:
                client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>")
        else:
            send(daemon)
        return wanted in fired()
    caused[alert] = name
    ok(until(lasts, f"{alert} of {name}", 120), f"{alert}_fires")
if has_mounts:
    fires("HandoffSpoolFull", "full")
    fires("HandoffSpoolInodes", "full")
else:
    skip("a small filesystem needs root")
    caused["HandoffSpoolFull"] = caused["HandoffSpoolInodes"] = "full"
is_({alert for alert, instance in fired() if instance == targets["well"]} -
    {"HandoffReloadRefused"}, set(), "no_other_alert_has_fired_for_a_server_that_delivers")
is_(every - set(caused), set(), "no_alert_is_left_untested")
prometheus.stop()
disk.let_go()
crowd_disk.let_go()
for client in (sitting, held, first):
    client.close()
for name, daemon in daemons.items():
    if name != "stopped":
        daemon.stop()
done()
