#!/usr/bin/env python3
"""Checks every #include under src/ and t/ against src/DEPENDS, with one result per directory."""

import collections
import os
import re

import lint

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# Headers that declare system calls; <sys/types.h>, <sys/wait.h> and <signal.h> only declare types
# and constants.
SYSTEM = re.compile(r"(unistd|fcntl|poll|dirent|dlfcn|sys/(?!types\.h|wait\.h).*)(\.h)?$")
LIBEVENT = re.compile(r"event2/|(event|evhttp|evdns|evutil|evrpc)\.h$")

may = {}
for line in lint.read("src/DEPENDS").splitlines():
    if line and not line.startswith("#"):
        name, _, allowed = line.partition(":")
        may[name.strip()] = set(allowed.split())
libevent = may.pop("libevent")
unused = {name: set(allowed) for name, allowed in may.items()}  # permitted, but not included anywhere
for name in may:
    may[name].add(name)


def directory(path):
    """Returns the directory whose rule applies to a file: lmtp for src/lmtp/x.cc and
    t/unit/lmtp/x_test.cc. Files at the top of src/, and tests of the whole, follow the rule of
    main."""
    match = re.match(r"(?:src|t/unit)/([^/]+)/", path)
    return match[1] if match else "main"


faults = collections.defaultdict(list)
faults["src/DEPENDS"] = [f"src/DEPENDS: {name} names {other}, which has no line"
                         for name, others in may.items() for other in others - set(may)]
for path in lint.files():
    if not re.match(r"(src|t)/.*\.(cc|hh|h)$", path):
        continue
    where = os.path.dirname(path)
    owner = directory(path)
    found = faults[where]
    if owner not in may:
        found.append(f"{path}: directory {owner} has no line in src/DEPENDS")
        continue
    text = lint.read(path)
    for match in INCLUDE.finditer(text):
        quote, header = match.groups()
        at = f"{path}:{text.count(chr(10), 0, match.start(1)) + 1}: {header}"
        first, slash, _ = header.partition("/")
        if LIBEVENT.match(header):
            if owner not in libevent:
                found.append(f"{at}: libevent is for {', '.join(sorted(libevent))}/ alone")
        elif SYSTEM.match(header) and path.startswith("src/") and quote == "<" and owner != "sys":
            found.append(f"{at}: system calls are for sys/ alone")
        elif ".." in header.split("/"):
            found.append(f"{at}: an include names its file from src/ down")
        elif quote == "<" and header.endswith(".h"):
            pass  # <sys/types.h> is the system's; handoff's end in .hh
        elif slash and first in may:
            unused[owner].discard(first)
            if first not in may[owner]:
                found.append(f"{at}: {owner}/ may not include from {first}/")
            elif quote == "<":
                found.append(f"{at}: our own headers are included with quotes")
            elif not any(os.path.exists(os.path.join(lint.TOP, root, header))
                         for root in ("src", "t/unit")):
                found.append(f"{at}: there is no such header")
        elif quote == '"' and path.startswith("src/") and header != "config.h":
            found.append(f"{at}: an include names its file from src/ down")

faults["src/DEPENDS"] += [f"src/DEPENDS: {name} is granted {other} and does not include it"
                          for name, others in unused.items() for other in sorted(others)]
tap = lint.Tap()
for where in sorted(faults):
    tap.result(where, faults[where])
tap.done()
