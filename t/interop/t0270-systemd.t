#!/usr/bin/env python3
"""systemd-analyze accepts contrib's units, and they do not remove each other's files."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import documents
import peer
from handoffd import program
from mta import TOP
from tap import done, is_, ok

peer.enter("systemd")
SERVICE, SOCKET = "handoffd.service", "handoffd.socket"
INSTALLED = "/etc/systemd/system"


def verify(*units):
    """Returns the messages; an unknown setting causes a warning, not a failure."""
    done_ = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done_.returncode, done_.stdout


def setting(unit, name):
    return re.findall(rf"^{name}=(.*)$", text[unit], re.M)


# Install them as an administrator would.
os.makedirs("/usr/local/sbin", exist_ok=True)
for name in ("HANDOFFD", "HANDOFFCTL"):
    shutil.copy(program(name), f"/usr/local/sbin/{name.lower()}")
os.makedirs(INSTALLED, exist_ok=True)
text = {}
for unit in (SERVICE, SOCKET):
    shutil.copy(os.path.join(TOP, "contrib/systemd", unit), INSTALLED)
    with open(os.path.join(INSTALLED, unit), encoding="utf-8") as file:
        text[unit] = file.read()

is_(verify(SERVICE, SOCKET), (0, ""), "systemd-analyze_verify_reports_nothing")
folders = [f"/run/{name}/" for value in setting(SERVICE, "RuntimeDirectory")
           for name in value.split()]
if any(path.startswith(tuple(folders)) for path in setting(SOCKET, "ListenStream")):
    is_(setting(SERVICE, "RuntimeDirectoryPreserve"), ["yes"],
        "the_socket_stays_when_the_service_stops")
is_(setting(SOCKET, "Backlog"), ["511"], "the_socket_has_the_configured_backlog")
# The drop-in of doc/troubleshooting.md for sites that want reports (t0105-postfix-report.t shows
# why).
for comments, _, block in documents.parts("doc/troubleshooting.md"):
    for verb, path in comments:
        if path.startswith(INSTALLED):
            os.makedirs(os.path.dirname(path))
            with open(path, "w", encoding="utf-8") as file:
                file.write(block)
is_(os.listdir(os.path.join(INSTALLED, f"{SERVICE}.d")), ["reports.conf"], "there_is_a_drop-in_for_reports")
is_(verify(SERVICE), (0, ""), "systemd-analyze_verify_reports_nothing_with_the_drop-in")
seen = subprocess.run(["systemd-analyze", "cat-config", f"systemd/system/{SERVICE}"], text=True,
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
is_(re.findall(r"^NoNewPrivileges=(.*)$", seen, re.M), ["yes", "no"], "the_drop-in_overrides_the_unit")
with open(os.path.join(INSTALLED, SERVICE), "a", encoding="utf-8") as file:
    file.write("[Service]\nWatchdogSecs=30s\n")
ok("WatchdogSecs" in verify(SERVICE)[1], "systemd-analyze_verify_reports_a_deliberate_mistake")

done()
