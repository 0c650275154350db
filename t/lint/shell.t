#!/usr/bin/env python3
"""Runs shellcheck on every sh and bash script, identified by its name or first line."""

import re
import shutil
import subprocess

import lint

scripts = [name for name in lint.files() if name.endswith(".sh") or
           re.match(r"#!\s*/(usr/)?bin/(env )?(ba|da|k)?sh\b", lint.read(name))]
if not shutil.which("shellcheck"):
    lint.skip_all("shellcheck is not installed (contrib/bootstrap --tests)")

tap = lint.Tap()
for script in scripts:
    done = subprocess.run(["shellcheck", "-x", "-P", "SCRIPTDIR", "-f", "gcc", script],
                          cwd=lint.TOP, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    tap.result(script, done.stdout.splitlines() if done.returncode else [])
tap.done()
