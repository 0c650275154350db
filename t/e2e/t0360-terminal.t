#!/usr/bin/env python3
"""Colours and progress are shown on a terminal (here a pseudo-terminal), never in a pipe, and the
text is the same in both."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd, program
from tap import done, empty, is_, ok

ANSI = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
GREEN, RED, END = b"\x1b[32m", b"\x1b[31m", b"\x1b[m"


class Terminal:
    """Runs a program with a terminal as standard output and standard error."""

    def __init__(self, *command, columns=80, **environment):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs,
                                        env={**env, "TERM": "xterm", **environment})
        os.close(theirs)
        self.seen = b""

    def read(self, seconds):
        """Reads more output; returns False at its end or after this time without output."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            octets = os.read(self.ours, 4096)
        except OSError:  # EIO: the other side has been closed
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
    """Omits the measurements of the disk, which differ from run to run."""
    lines = ANSI.sub(b"", octets).splitlines()
    return [line for line in lines if re.match(rb"\S+ +(configuration|socket|user)", line)]


with Handoffd() as daemon:
    daemon.mailbox("pat@example.org")
    ctl = [program("HANDOFFCTL"), "-c", daemon.path]
    plain = piped(*ctl, "doctor")
    coloured = Terminal(*ctl, "doctor").end()
    ok(GREEN + b"ok" + END in coloured, "the_doctor_is_coloured_on_a_terminal")
    ok(b"\x1b" not in plain, "the_doctor_is_not_coloured_in_a_pipe")
    is_(findings(coloured), findings(plain), "the_doctor_prints_the_same_findings_in_a_pipe")
    for variable in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        ok(b"\x1b" not in Terminal(*ctl, "doctor", **variable).end(), f"the_doctor_is_not_coloured_with_{variable}")

    for columns in (50, 80, 200):
        screen = Terminal(*ctl, "status", columns=columns).end()
        ok(b": " + GREEN + b"serving" + END + b", pid" in screen, f"status_is_coloured_{columns}")
        empty([line for line in ANSI.sub(b"", screen).splitlines() if len(line) > columns],
              f"status_fits_a_terminal_of_{columns}_columns")
    ok(b"\x1b" not in piped(*ctl, "status"), "status_has_no_colours_in_a_pipe")

    bad = daemon.scratch.file("bad.conf", "hostname = example.org\nspool.path = /nowhere/at/all\n")
    is_(ANSI.sub(b"", Terminal(program("HANDOFFD"), "-c", bad, "--check").end()),
        piped(program("HANDOFFD"), "-c", bad, "--check"), "handoffd_check_prints_the_same_findings_in_a_pipe")

    terminal = Terminal(*ctl, "deliver", "pat@example.org", "nobody@example.org")
    chunk, sent = b"x" * 1023 + b"\n", 0
    deadline = time.monotonic() + 30
    while b"sent " not in terminal.seen and time.monotonic() < deadline:
        terminal.process.stdin.write(chunk)
        terminal.process.stdin.flush()
        sent += len(chunk)
        terminal.read(0.01)
    ok(re.search(rb"\r\x1b\[Ksent [0-9.]+ (B|KiB|MiB)", terminal.seen),
       "a_long_message_shows_its_progress")
    shown = terminal.end()
    ok(re.search(rb"waiting for the server\r\x1b\[K<pat@example.org> \x1b\[32m250 ", shown),
       "the_progress_is_replaced_by_the_reply_in_green")
    ok(b"<nobody@example.org> " + RED + b"550 " in shown, "a_refusal_is_shown_in_red")
    is_([len(octets) >= sent for octets in daemon.messages("pat@example.org")], [True],
        "a_message_sent_with_progress_is_stored_completely")
    ok(b"\x1b" not in piped(*ctl, "deliver", "pat@example.org"), "in_a_pipe_deliver_uses_no_colours")
done()
