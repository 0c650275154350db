#!/usr/bin/env python3
"""Says in TAP what the Boost.Test program says: one line per test case."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

# Boost.Test does not catch signals: in a child that a test forked it would go on with
# the tests. Where the program dies, the log tells in which case.
program = os.path.join(os.environ["TOP_BUILDDIR"], "t/unit/unit_tests")
arguments = os.environ.get("UNIT_TESTS", "").split()  # such as UNIT_TESTS=--run_test=lmtp

with tempfile.TemporaryDirectory() as folder:
    report = os.path.join(folder, "report.xml")
    done = subprocess.run(
        [program, "--log_level=test_suite", "--color_output=no", "--catch_system_errors=no",
         "--report_level=detailed", "--report_format=XML", f"--report_sink={report}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    case = "none"
    for line in done.stdout.splitlines():
        if entering := re.search(r'Entering test case "(.*)"', line):
            case = entering[1]
        elif not re.search(r"^$|^Running \d+ test case|(Entering|Leaving) test |is skipped", line):
            print("#", line, file=sys.stderr)
    try:
        cases = ET.parse(report).getroot()
    except (OSError, ET.ParseError):
        cases = None

if cases is None:
    print(f"# unit_tests died with status {done.returncode} in {case}", file=sys.stderr)
    print(f"1..1\nnot ok 1 - unit_tests died in {case}")
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
