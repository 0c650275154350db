#!/usr/bin/env python3
"""The systemd unit leaves few rights to a compromised service, by systemd's own measure, and the
drop-ins are valid together with it."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import done, ok, skip_all

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib", "systemd")
MOST = 2.0

if not shutil.which("systemd-analyze"):
    skip_all("no systemd-analyze (contrib/bootstrap --tests)")


def exposure(unit):
    run = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", run.stdout)
    unknown = re.findall(r".*(?:Unknown|Failed|ignoring).*", run.stdout)
    return float(found.group(1)) if found else None, unknown


level, complaints = exposure(os.path.join(FOLDER, "handoffd.service"))
ok(level is not None and level <= MOST, f"the_exposure_of_the_service_is_at_most_{MOST}")
ok(not complaints, "systemd_accepts_every_setting_of_the_unit")
for name in ("network", "homes", "sendmail"):
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(os.path.join(FOLDER, "handoffd.service"), scratch)
        with open(os.path.join(FOLDER, f"{name}.conf"), encoding="utf-8") as file, \
                open(os.path.join(scratch, "handoffd.service"), "a", encoding="utf-8") as unit:
            unit.write(file.read())
        more, complaints = exposure(os.path.join(scratch, "handoffd.service"))
        ok(more is not None and not complaints, f"systemd_accepts_every_setting_of_{name}.conf")
        ok(more > level, f"{name}.conf_allows_more_than_the_unit")
done()
