#!/usr/bin/env python3
"""Runs the tests of Pigeonhole, Dovecot's Sieve. All tests of the extensions that handoff-sieve(7)
lists pass, except those that t/sieve/exceptions names with a reason.

Pigeonhole counts its own error messages; here a script with errors must not compile, whatever
their number. contrib/peers downloads the tests from Debian's source package dovecot."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
import tap
from handoffd import program
from tap import diag, done, empty, ok

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SVTEST = os.path.join(os.path.dirname(program("HANDOFFCTL")), "t", "sieve", "svtest")
# Other extensions: programs, metadata, report, and those that RFC 5232 and RFC 5435 replaced.
OTHERS = re.compile(r"^(plugins/|deprecated/|extensions/metadata/|extensions/vnd.dovecot/report/)")

peer.require("pigeonhole")
if not os.path.exists(SVTEST):
    tap.skip_all("this handoff was built without Sieve")

exceptions = {}
with open(os.path.join(TOP, "t", "sieve", "exceptions"), encoding="utf-8") as file:
    for line in file:
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" | ")
            exceptions[name.strip()] = reason.strip()

tests = os.path.join(peer.folder("pigeonhole"), "tests")
files = sorted(os.path.relpath(os.path.join(where, name), tests)
               for where, _, names in os.walk(tests) for name in names if name.endswith(".svtest"))
files = [name for name in files if not OTHERS.match(name)]
passed, failed, crashed = [], [], []
for name in files:
    try:
        ran = subprocess.run([SVTEST, name], cwd=tests, stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.PIPE, errors="replace", timeout=60, check=False)
    except subprocess.TimeoutExpired:
        crashed.append(f"{name}: takes more than a minute")
        continue
    if ran.returncode not in (0, 1):
        crashed.append(f"{name}: exit status {ran.returncode}: {ran.stderr[-300:]}")
    for line in ran.stdout.splitlines():
        verdict, path, title, *why = line.split("\t")
        if verdict == "pass":
            passed.append(f"{path}: {title}")
        else:
            failed.append((f"{path}: {title}", " ".join(why)))

ok(len(files) > 100, f"{len(files)}_test_files_were_found")
empty(crashed, "no_test_file_crashes_or_hangs")
empty([f"{name}: {why}" for name, why in failed if name not in exceptions],
      f"{len(passed)}_tests_pass_and_{len(failed)}_are_exceptions")
known = {name for name, _ in failed}
empty([name for name in exceptions if name not in known], "each_exception_still_fails")
diag(f"{len(passed)} tests of Pigeonhole passed, {len(failed)} are exceptions")
done()
