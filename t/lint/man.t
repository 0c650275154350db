#!/usr/bin/env python3
"""mandoc has no warnings about the manual pages."""

import re
import shutil
import subprocess

import lint

pages = [name for name in lint.files() if re.match(r"man/.*\.[1578]$", name)]
if not pages:
    lint.skip_all("there are no manual pages")
if not shutil.which("mandoc"):
    lint.skip_all("mandoc is not installed (contrib/bootstrap --tests)")

tap = lint.Tap()
for page in pages:
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], cwd=lint.TOP, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    tap.result(page, done.stdout.splitlines() if done.returncode else [])
tap.done()
