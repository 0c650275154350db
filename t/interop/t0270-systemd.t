#!/usr/bin/env python3
"""systemd-analyze finds nothing to say of contrib's units, and they do not take each other's files
away."""
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
    """Returns what there is to say; an unknown setting is a warning and no failure."""
    done_ = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done_.returncode, done_.stdout


def setting(unit, name):
    return re.findall(rf"^{name}=(.*)$", text[unit], re.M)


# As an administrator would install them.
os.makedirs("/usr/local/sbin", exist_ok=True)
for name in ("HANDOFFD", "HANDOFFCTL"):
    shutil.copy(program(name), f"/usr/local/sbin/{name.lower()}")
os.makedirs(INSTALLED, exist_ok=True)
text = {}
for unit in (SERVICE, SOCKET):
    shutil.copy(os.path.join(TOP, "contrib/systemd", unit), INSTALLED)
    with open(os.path.join(INSTALLED, unit), encoding="utf-8") as file:
        text[unit] = file.read()

is_(verify(SERVICE, SOCKET), (0, ""), "systemd-analyze_verify_is_silent")
folders = [f"/run/{name}/" for value in setting(SERVICE, "RuntimeDirectory")
           for name in value.split()]
if any(path.startswith(tuple(folders)) for path in setting(SOCKET, "ListenStream")):
    is_(setting(SERVICE, "RuntimeDirectoryPreserve"), ["yes"],
        "the_socket_stays_when_the_service_stops")
is_(setting(SOCKET, "Backlog"), ["511"], "the_socket_has_the_backlog_of_ours")
# What doc/troubleshooting.md has for those who want reports (t0105-postfix-report.t has why).
for comments, _, block in documents.parts("doc/troubleshooting.md"):
    for verb, path in comments:
        if path.startswith(INSTALLED):
            os.makedirs(os.path.dirname(path))
            with open(path, "w", encoding="utf-8") as file:
                file.write(block)
is_(os.listdir(os.path.join(INSTALLED, f"{SERVICE}.d")), ["reports.conf"], "there_is_a_drop-in_for_reports")
is_(verify(SERVICE), (0, ""), "systemd-analyze_verify_is_silent_with_it")
seen = subprocess.run(["systemd-analyze", "cat-config", f"systemd/system/{SERVICE}"], text=True,
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
is_(re.findall(r"^NoNewPrivileges=(.*)$", seen, re.M), ["yes", "no"], "and_it_has_the_last_word")
with open(os.path.join(INSTALLED, SERVICE), "a", encoding="utf-8") as file:
    file.write("[Service]\nWatchdogSecs=30s\n")
ok("WatchdogSecs" in verify(SERVICE)[1], "a_mistake_would_be_found")

done()
