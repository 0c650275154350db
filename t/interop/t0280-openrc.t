#!/usr/bin/env python3
"""OpenRC's openrc-run starts, reloads, upgrades and stops handoffd with contrib's script."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import program
from lmtp import deliver
from mta import TOP
from tap import diag, done, is_, ok

peer.enter("openrc")
SCRIPT = "/etc/init.d/handoffd"
CONFIG = "/etc/handoffd.conf"
PAT = "pat@good.test"


def rc(command):
    """Runs the script, with --nodeps because the system was not booted by OpenRC. The output goes
    to a file, because the daemon keeps it open."""
    with open("/tmp/said", "w", encoding="utf-8") as said:
        code = subprocess.run([SCRIPT, "--nodeps", "--nocolor", command], stdin=subprocess.DEVNULL,
                              stdout=said, stderr=subprocess.STDOUT, timeout=120,
                              check=False).returncode
    with open("/tmp/said", encoding="utf-8") as said:
        text = said.read()
    diag(text)
    return code, text


def configure(*more):
    with open(CONFIG, "w", encoding="utf-8") as file:
        file.write("\n".join(["hostname = handoff.test", "user = handoff", "spool.path = /srv/mail",
                              "recipients.lookup = any", "log.to = stderr", *more, ""]))


# As after an installation and a boot.
for folder in ("/usr/local/sbin", "/srv/mail", "/etc/init.d"):
    os.makedirs(folder, exist_ok=True)
for name in ("starting", "started", "stopping", "inactive", "wasinactive", "failed", "hotplugged",
             "daemons", "options", "exclusive", "scheduled", "tmp"):
    os.makedirs(f"/run/openrc/{name}")
with open("/run/openrc/softlevel", "w", encoding="ascii") as level:
    level.write("default\n")
for name in ("HANDOFFD", "HANDOFFCTL"):
    shutil.copy(program(name), f"/usr/local/sbin/{name.lower()}")
shutil.copy(os.path.join(TOP, "contrib/openrc/handoffd"), SCRIPT)
os.chmod(SCRIPT, 0o755)
shutil.chown("/srv/mail", "handoff", "handoff")

configure("no.such.setting = 1")
is_(rc("start")[0], 1, "a_configuration_with_a_mistake_is_not_started")
configure()
is_(rc("start")[0], 0, "openrc_starts_the_server")
is_(rc("status")[0], 0, "openrc_reports_that_the_server_runs")
is_(deliver("unix:/run/handoff/lmtp.sock", "", [PAT], b"\r\nhello\r\n", timeout=60).final[PAT].code,
    250, "the_server_delivers")
code, text = rc("reload")
ok(code == 0 and "reloaded, configuration 2" in text, "openrc_reloads_the_server")
with open("/run/handoff/handoffd.pid", encoding="ascii") as file:
    pid = int(file.read())
code, text = rc("upgrade")
ok(code == 0 and re.search(rf"serving, pid {pid}, upgrades 1", text), "openrc_upgrades_the_server_in_place")
configure("listen = nonsense")
is_(rc("reload")[0], 78, "a_reload_that_is_refused_fails")
configure()
is_(rc("stop")[0], 0, "openrc_stops_the_server")
is_(rc("status")[0], 3, "openrc_reports_that_the_server_has_stopped")
ok(not os.path.exists("/run/handoff/lmtp.sock"), "after_the_stop_the_socket_is_removed")

done()
