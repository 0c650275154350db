#!/usr/bin/env python3
"""clang-format on the C++ sources, and what .editorconfig asks of every file."""

import re
import shutil
import subprocess

import lint

CLANG_FORMAT = 14  # Debian 12's, which CI has; another version would format otherwise

tap = lint.Tap()
names = lint.files()
sources = [name for name in names if name.endswith((".cc", ".hh"))]

if not sources:
    pass
elif not (program := shutil.which(f"clang-format-{CLANG_FORMAT}") or shutil.which("clang-format")):
    tap.skip("clang-format", "clang-format is not installed (contrib/bootstrap)")
else:
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    if f"version {CLANG_FORMAT}." not in version:
        tap.skip("clang-format", f"{version.strip()} is not version {CLANG_FORMAT}")
    else:
        done = subprocess.run([program, "--dry-run", "-Werror", *sources], cwd=lint.TOP,
                              stderr=subprocess.PIPE, text=True, check=False)
        wrong = re.findall(r"^(\S+:\d+):\d+: error: code should", done.stderr, re.M)
        if done.returncode and not wrong:
            wrong = done.stderr.splitlines()
        tap.result("clang-format", [f"{at}: `make format` writes this otherwise" for at in wrong])

whitespace, endings, tabs = [], [], []
for name in names:
    text = lint.read(name)
    if "\0" in text or name == "LICENSE" or name.endswith(".svg"):  # drawn by a program
        continue
    if re.match(r"t/.*/(data|corpus|messages)/", name):  # messages are bytes, not text
        continue
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith("\r"):
            endings.append(f"{name}:{number}: line ends with CR LF")
        elif line.endswith((" ", "\t")):
            whitespace.append(f"{name}:{number}: whitespace at the end of the line")
        if re.match(r" *\t", line) and not re.search(r"(^|/)(Makefile|rules)$|\.mk(\.in)?$", name):
            tabs.append(f"{name}:{number}: a tab in the indentation")
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        endings.append(f"{name}: does not end with one newline")
tap.result("no whitespace at the end of a line", whitespace)
tap.result("lines and files end as they should", endings)
tap.result("indented with spaces", tabs)
tap.done()
