#!/usr/bin/env python3
"""README's first command: `make run` builds handoff, starts it, delivers a message and shows it."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import program
from tap import diag, done, is_, ok

build = os.path.dirname(program("HANDOFFD"))
# The variables for make (CXXFLAGS=...), without the job server of the calling make.
flags = " ".join(word for word in os.environ.get("MAKEFLAGS", "").split()
                 if not re.match(r"-j|--jobserver", word))
run = subprocess.run(["make", "-C", os.path.dirname(build), "run", "ONCE=1"],
                     env={**os.environ, "MAKEFLAGS": flags}, stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                     timeout=600)
if not is_(run.returncode, 0, "make_run_exits_cleanly"):
    diag(run.stdout[-3000:])
# Log lines may appear between the other output.
said = re.sub(r"^\S+Z handoffd\[\d+\]: .*\n", "", run.stdout, flags=re.M)
shown = re.search(r"^The message is in the mailbox:\n\n(/\S+/new/\S+)\n\n((?:    .*\n|\n)+)", said,
                  re.M)
ok(shown, "make_run_shows_the_path_of_the_message")
ok(shown and "    Subject: a first message\n" in shown[2], "make_run_shows_the_content_of_the_message")
ok(": delivered " in run.stdout and "to=<you@localhost>" in run.stdout,
   "the_log_shows_the_delivery")
done()
