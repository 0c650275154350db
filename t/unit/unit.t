#!/usr/bin/env python3
"""Says in TAP what the Boost.Test program says: one line per test case."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

program = os.path.join(os.environ["TOP_BUILDDIR"], "t/unit/unit_tests")
arguments = os.environ.get("UNIT_TESTS", "").split()  # such as UNIT_TESTS=--run_test=lmtp

with tempfile.TemporaryDirectory() as folder:
    report = os.path.join(folder, "report.xml")
    done = subprocess.run(
        [program, "--log_level=error", "--color_output=no", "--catch_system_errors=no",
         "--report_level=detailed", "--report_format=XML", f"--report_sink={report}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    for line in done.stdout.splitlines():
        if not re.match(r"Running \d+ test case|$", line):
            print("#", line, file=sys.stderr)
    try:
        cases = ET.parse(report).getroot()
    except (OSError, ET.ParseError):
        cases = None

if cases is None:
    print(f"1..1\nnot ok 1 - unit_tests ended with status {done.returncode} and no report")
    sys.exit(1)

number = 0


def walk(node, path):
    global number
    for child in node:
        name = f"{path}{child.get('name')}"
        if child.tag == "TestSuite":
            walk(child, name + "/")
        elif child.tag == "TestCase" and child.get("result") != "skipped":
            number += 1
            ok = "ok" if child.get("result") == "passed" else "not ok"
            print(f"{ok} {number} - {re.sub('[#]', '', name)}")


for root in cases:
    walk(root, "")
print(f"1..{number}")
sys.exit(1 if done.returncode else 0)
