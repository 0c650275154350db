#!/usr/bin/env python3
"""systemd-analyze finds nothing to say of contrib's units, and they do not take each other's files
away."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
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
with open(os.path.join(INSTALLED, SERVICE), "a", encoding="utf-8") as file:
    file.write("[Service]\nWatchdogSecs=30s\n")
ok("WatchdogSecs" in verify(SERVICE)[1], "a_mistake_would_be_found")

done()
