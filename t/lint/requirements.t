#!/usr/bin/env python3
"""doc/requirements.md defines each requirement id once; every use of an id refers to a definition,
and each id has a test."""

import re

import lint

DOCUMENT = "doc/requirements.md"
ID = re.compile(r"(?<![A-Za-z0-9.])([LSXRF]\d{1,2})(?![A-Za-z0-9])")
ROW = re.compile(r"^\| ([LSXRF]\d{1,2}) \| ([^|]+) \| ([^|]+) \|$", re.M)
SOURCES = re.compile(r"(src|t|man|contrib|doc)/.*|[A-Z]+(\.md)?")
# Test data, drawings, and shell code for other programs use letters with digits for other things.
OTHERS = re.compile(r"t/fuzz/(corpus|findings|words)|t/perf/figures|.*\.(svg|png)$")
TESTS = re.compile(r"t/.*(\.t|_test\.cc)$")

rows = ROW.findall(lint.read(DOCUMENT))
defined = [name for name, _, _ in rows]
undefined, tested = [], set()
for path in lint.files():
    if path == DOCUMENT or not SOURCES.fullmatch(path) or OTHERS.match(path):
        continue
    for number, line in enumerate(lint.read(path).splitlines(), 1):
        for name in ID.findall(line):
            if name not in defined:
                undefined.append(f"{path}:{number}: {name} is not in {DOCUMENT}")
            elif TESTS.fullmatch(path):
                tested.add(name)

tap = lint.Tap()
tap.result("every requirement has an id of its own, a standard and a sentence",
           [f"{name} is defined more than once" for name in set(defined) if defined.count(name) > 1]
           + [f"{name}: no sentence" for name, _, text in rows if not text.endswith(".")]
           + ([] if rows else [f"{DOCUMENT} defines nothing"]))
tap.result("every id in use is defined", undefined)
tap.result("every requirement has a test",
           [f"no test names {name}" for name in defined if name not in tested])
tap.done()
