#!/usr/bin/env python3
"""`make dist` writes the same tarball, checksums and bill of materials each time."""
import filecmp
import hashlib
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mta import TOP
from scratch import Scratch
from tap import diag, done, empty, is_, ok

scratch = Scratch()
with open(os.path.join(TOP, "configure.ac"), encoding="utf-8") as file:
    configure = file.read()
NAME = "-".join(re.search(r"^AC_INIT\(\[(.*?)\], \[(.*?)\]\)", configure, re.M).groups())
FILES = [f"{NAME}.{kind}" for kind in ("tar.gz", "spdx.json", "sha256")]


def dist(folder, umask, zone):
    """Runs contrib/dist in a new folder, with another umask, time zone and language."""
    path = os.path.join(scratch.path, folder)
    os.mkdir(path)
    done_ = subprocess.run([f"{TOP}/contrib/dist", TOP, NAME], cwd=path, umask=umask, check=False,
                           env={**os.environ, "TZ": zone, "LC_ALL": "C.UTF-8"}, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not is_(done_.returncode, 0, f"dist_succeeds_{folder}"):
        diag(done_.stdout)
    return path


one, other = dist("one", 0o022, "UTC"), dist("other", 0o077, "Pacific/Auckland")
is_(sorted(os.listdir(one)), sorted(FILES), "dist_writes_a_tarball_checksums_and_a_bill_of_materials")
empty([name for name in FILES if not filecmp.cmp(f"{one}/{name}", f"{other}/{name}", False)],
      "two_runs_of_dist_write_the_same_octets")

with open(f"{one}/{NAME}.tar.gz", "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()
with open(f"{one}/{NAME}.sha256", encoding="ascii") as file:
    ok(f"{digest}  {NAME}.tar.gz" in file.read().splitlines(), "the_checksum_belongs_to_the_tarball")
with open(f"{one}/{NAME}.spdx.json", encoding="utf-8") as file:
    bill = json.load(file)
is_(bill["spdxVersion"], "SPDX-2.3", "the_bill_of_materials_is_spdx")
is_(bill["packages"][0]["checksums"], [{"algorithm": "SHA256", "checksumValue": digest}],
    "the_bill_of_materials_has_the_checksum_of_the_tarball")
calls = re.findall(r"^HANDOFF_(?:NEEDED|OPTIONAL|PART|LOOKUP)\(\[([\w-]+)", configure, re.M)
listed = {package["SPDXID"].removeprefix("SPDXRef-") for package in bill["packages"][1:]}
empty(set(calls) ^ listed, "the_bill_of_materials_lists_every_library_that_configure_looks_for")
done()
