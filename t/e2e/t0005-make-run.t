#!/usr/bin/env python3
"""README's first command: `make run` builds, serves, delivers a message to itself and shows it."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import program
from tap import diag, done, is_, ok

build = os.path.dirname(program("HANDOFFD"))
# What make says to make (CXXFLAGS=...), but for the jobs that are another make's.
flags = " ".join(word for word in os.environ.get("MAKEFLAGS", "").split()
                 if not re.match(r"-j|--jobserver", word))
run = subprocess.run(["make", "-C", os.path.dirname(build), "run", "ONCE=1"],
                     env={**os.environ, "MAKEFLAGS": flags}, stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                     timeout=600)
if not is_(run.returncode, 0, "make_run_ends_well"):
    diag(run.stdout[-3000:])
# The log goes on beside what is shown, and its lines may come between.
said = re.sub(r"^\S+Z handoffd\[\d+\]: .*\n", "", run.stdout, flags=re.M)
shown = re.search(r"^The message is in the mailbox:\n\n(/\S+/new/\S+)\n\n((?:    .*\n|\n)+)", said,
                  re.M)
ok(shown, "it_shows_where_the_message_lies")
ok(shown and "    Subject: a first message\n" in shown[2], "and_what_is_in_it")
ok(": delivered " in run.stdout and "to=<you@localhost>" in run.stdout,
   "and_the_log_that_it_was_delivered")
done()
