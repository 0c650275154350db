#!/usr/bin/env python3
"""apparmor_parser compiles contrib's profile, without loading it."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from mta import TOP
from tap import diag, done, is_, ok

peer.enter("apparmor")
PROFILE = os.path.join(TOP, "contrib/apparmor/usr.sbin.handoffd")
said = subprocess.run(["apparmor_parser", "-Q", "-K", "-N", PROFILE], stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE, text=True, check=False)
is_(said.stdout.split(), ["handoffd"], "the_profile_is_called_handoffd")
compiled = subprocess.run(["apparmor_parser", "-Q", "-K", "-S", PROFILE], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
if not ok(compiled.returncode == 0 and compiled.stdout, "the_profile_compiles"):
    diag(compiled.stderr.decode())
done()
