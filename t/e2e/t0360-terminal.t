#!/usr/bin/env python3
"""Colours and progress are for whoever sits at a terminal: a real one (a pseudo-terminal) gets them, a
pipe never, and what is said is the same."""
import os
import pty
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd, program
from tap import done, is_, ok

ANSI = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
GREEN, RED, END = b"\x1b[32m", b"\x1b[31m", b"\x1b[m"


class Terminal:
    """A program whose output and errors are a terminal."""

    def __init__(self, *command, **environment):
        self.ours, theirs = pty.openpty()
        env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs,
                                        env={**env, "TERM": "xterm", **environment})
        os.close(theirs)
        self.seen = b""

    def read(self, seconds):
        """More of what it shows; False at its end, and where nothing comes for so long."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            octets = os.read(self.ours, 4096)
        except OSError:  # EIO: nobody has the other side open any more
            octets = b""
        self.seen += octets
        return octets != b""

    def end(self):
        self.process.stdin.close()
        while self.read(30):
            pass
        os.close(self.ours)
        self.process.wait(30)
        return self.seen.replace(b"\r\n", b"\n")


def piped(*command):
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, env={**os.environ, "TERM": "xterm"}, check=False)
    return run.stdout


def findings(octets):
    """But for what is measured anew each time, and may be doubted this time and not that: the disk."""
    lines = ANSI.sub(b"", octets).splitlines()
    return [line for line in lines if re.match(rb"\S+ +(configuration|socket|user)", line)]


with Handoffd() as daemon:
    daemon.mailbox("pat@example.org")
    ctl = [program("HANDOFFCTL"), "-c", daemon.path]
    plain = piped(*ctl, "doctor")
    coloured = Terminal(*ctl, "doctor").end()
    ok(GREEN + b"ok" + END in coloured, "the_doctor_is_coloured_on_a_terminal")
    ok(b"\x1b" not in plain, "and_plain_in_a_pipe")
    is_(findings(coloured), findings(plain), "and_says_the_same")
    for variable in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        ok(b"\x1b" not in Terminal(*ctl, "doctor", **variable).end(), f"and_plain_with_{variable}")

    bad = daemon.scratch.file("bad.conf", "hostname = example.org\nspool.path = /nowhere/at/all\n")
    is_(ANSI.sub(b"", Terminal(program("HANDOFFD"), "-c", bad, "--check").end()),
        piped(program("HANDOFFD"), "-c", bad, "--check"), "a_check_says_the_same_too")

    terminal = Terminal(*ctl, "deliver", "pat@example.org", "nobody@example.org")
    chunk, sent = b"x" * 1023 + b"\n", 0
    deadline = time.monotonic() + 30
    while b"sent " not in terminal.seen and time.monotonic() < deadline:
        terminal.process.stdin.write(chunk)
        terminal.process.stdin.flush()
        sent += len(chunk)
        terminal.read(0.01)
    ok(re.search(rb"\r\x1b\[Ksent [0-9.]+ (B|KiB|MiB)", terminal.seen),
       "a_message_that_takes_long_shows_how_far_it_is")
    shown = terminal.end()
    ok(re.search(rb"waiting for the server\r\x1b\[K<pat@example.org> \x1b\[32m250 ", shown),
       "the_line_is_gone_when_the_verdict_comes_in_green")
    ok(b"<nobody@example.org> " + RED + b"550 " in shown, "a_refusal_is_red")
    is_([len(octets) >= sent for octets in daemon.messages("pat@example.org")], [True],
        "and_the_message_is_there_whole")
    ok(b"\x1b" not in piped(*ctl, "deliver", "pat@example.org"), "in_a_pipe_deliver_is_plain")
done()
