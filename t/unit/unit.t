#!/usr/bin/env python3
"""TEST_TIMEOUT: 1200
Runs the unit tests, each suite in a process of its own and one for each processor at a time.
Prints their results as TAP, one line per test case.

$UNIT_TESTS: arguments of the program, such as --run_test=lmtp_session; then one process runs."""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

PROGRAM = os.path.join(os.environ["TOP_BUILDDIR"], "t/unit/unit_tests")
NOISE = re.compile(r"^$|^Running \d+ test case|(Entering|Leaving) test |is skipped")


def suites():
    """Returns the arguments that select each top-level suite, and each case outside of a suite."""
    listed = subprocess.run([PROGRAM, "--list_content"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=True).stdout
    return [[f"--run_test={name}"] for name in re.findall(r"^(\w+)\*?$", listed, re.M)]


def run(arguments):
    """Returns ([(passed, name of the test case)], [diagnostics]) of one process."""
    # Boost.Test must not catch signals: in a child that a test forked, it would continue with the
    # tests. If the program dies, its log shows the test case.
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.xml")
        done = subprocess.run(
            [PROGRAM, "--log_level=test_suite", "--color_output=no", "--catch_system_errors=no",
             "--report_level=detailed", "--report_format=XML", f"--report_sink={report}",
             *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            check=False)
        lines = done.stdout.splitlines()
        said = [line for line in lines if not NOISE.search(line)]
        try:
            found = list(results(ET.parse(report).getroot()))
        except (OSError, ET.ParseError):
            entered = re.findall(r'Entering test case "(.*)"', done.stdout)
            case = entered[-1] if entered else "no test case"
            said.append(f"unit_tests died with status {done.returncode} in {case}")
            return [(False, f"unit_tests died in {case}")], said
        if done.returncode and all(passed for passed, _ in found):
            found.append((False, f"status {done.returncode} of {' '.join(arguments)}"))
        return found, said


def results(node, path=""):
    """Yields (passed, name) of each test case that ran below the node."""
    for child in node:
        name = f"{path}{child.get('name')}"
        if child.tag == "TestSuite":
            # The outermost suite is the program.
            yield from results(child, "" if not path and node.tag == "TestResult" else name + "/")
        elif child.tag == "TestCase" and child.get("result") != "skipped":
            yield child.get("result") == "passed", name


def main():
    given = os.environ.get("UNIT_TESTS", "").split()
    number = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found, said in pool.map(run, [given] if given else suites()):
            for line in said:
                print("#", line, file=sys.stderr)
            for passed, name in found:
                number += 1
                failed += not passed
                print(f"{'ok' if passed else 'not ok'} {number} - {name.replace('#', '')}", flush=True)
    print(f"1..{number}")
    return 1 if failed or not number else 0


sys.exit(main())
