"""Uses a tool to count what a message costs, and compares the result with t/perf/figures.

    session = perf.Session(recipients=1)
    session.run(['valgrind', ...], 10)         # runs it against `valgrind ... handoffd --stdin ...`
    session.serve(['strace', ...], 10)         # against a worker of `strace ... handoffd -f ...`
    perf.per_message(count)                    # count(messages) -> {'name': number}
    perf.holds('calls-1-recipient', 20.0, 'a_message_takes_no_more_system_calls')
"""
import contextlib
import os
import re
import signal
import socket
import subprocess

import maildir
import mounts
import tap
from handoffd import Handoffd, account, program
from lmtp import Lmtp
from scratch import Scratch

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "perf", "figures")
DEARER = 1.05  # allowed factor
FEW, MANY = 10, 30  # messages
READY = re.compile(r"handoffd\[(\d+)\]: ready")
LINE = b"0123456789 and so on, up to the length that lines of mail often have, 76 o\r\n"


def holds(name, cost, sentence):
    """Passes if the cost is at most 5 % above the figure with that name."""
    with open(FIGURES, encoding="ascii") as lines:
        figures = dict(line.split() for line in lines if line.strip() and line[0] != "#")
    figure = float(figures.get(name, 0))
    if cost < figure / DEARER:
        tap.diag(f"{name} is {cost:g} now: t/perf/figures may say so in place of {figure:g}")
    if not tap.ok(cost <= figure * DEARER, sentence):
        tap.diag(f"{name} is {cost:g} and was {figure:g}; t/perf/figures says what to do")


def per_message(count):
    """Returns the cost of one message: start, greeting and end occur in both runs and cancel
    out."""
    count(1)  # creates the files that the first message creates
    few, many = count(FEW), count(MANY)
    return {name: (many.get(name, 0) - few.get(name, 0)) / (MANY - FEW) for name in {*few, *many}}


class Session:
    """Sends equal messages with pipelined commands on one connection. The client waits for each
    reply, so that the server's calls do not depend on relative speed."""

    def __init__(self, recipients=1, size=4096, sync="plain", log_to="stderr", mkfs=None):
        """sync: plain causes the same calls on every filesystem. mkfs: the command that creates a
        filesystem for the spool, in private mounts."""
        self.scratch = Scratch()
        os.chmod(self.scratch.path, 0o777)  # tools write as the user of the workers
        self._spool = os.path.join(self.scratch.path, "spool")
        self.log = os.path.join(self.scratch.path, "log")
        self._mounted = mkfs is not None
        if self._mounted:
            os.mkdir(self._spool)
            mounts.image(self._spool, self.scratch.file("disk"), 4096, mkfs)
        self._addresses = [f"u{number}@example.org" for number in range(recipients)]
        for address in self._addresses:
            maildir.create(os.path.join(self._spool, "example.org", address.partition("@")[0]))
        if account():
            subprocess.run(["chown", "-R", ":".join(account()), self._spool], check=True)
        self.log_to = log_to
        self.sync = sync
        self._message = b"Subject: fixed\r\n\r\n" + LINE * (size // len(LINE)) + b".\r\n"

    def remove(self):
        if self._mounted:
            mounts.unmount(self._spool)
        self.scratch.remove()

    def run(self, tool, messages):
        """Runs the session against `tool... handoffd --stdin`; both log to `log`."""
        command = [*tool, program("HANDOFFD"), "--stdin", "--config", "/dev/null", "--hostname",
                   "handoff.test", "--spool.path", self._spool, "--log.to", self.log_to,
                   "--spool.sync", self.sync]
        if account():
            command += ["--user", account()[0], "--group", account()[1]]
        ours, theirs = socket.socketpair()
        with open(self.log, "wb") as log, theirs:
            server = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=log,
                                      start_new_session=True)
        self.scratch.guard(server.pid)
        with Lmtp(ours, timeout=120) as client:
            self._speak(client, messages)
        server.wait()
        self.scratch.release(server.pid)
        assert server.returncode == 0, f"handoffd ended with {server.returncode}"

    def serve(self, tool, messages, company=0):
        """Runs the session against a worker of `tool... handoffd` while `others` clients are each
        sending a message."""
        daemon = Handoffd({"spool.sync": self.sync}, scratch=self.scratch, start=False)
        daemon.command = [*tool, *daemon.command]
        daemon.start()
        with contextlib.ExitStack() as clients:
            for _ in range(company):
                other = clients.enter_context(Lmtp(daemon.unix, timeout=120))
                other.session("LHLO other.test", "MAIL FROM:<>")
            with Lmtp(daemon.unix, timeout=120) as client:
                self._speak(client, messages)
        # The child process here is the tool, so the pid of the daemon is taken from the daemon's
        # log.
        master = next(match for match in map(READY.search, daemon.log) if match)[1]
        os.kill(int(master), signal.SIGTERM)
        code = daemon.wait()
        assert code == 0, f"handoffd ended with {code}"

    def _speak(self, client, messages):
        """Checks that all messages were accepted."""
        commands = ["MAIL FROM:<sender@example.org>",
                    *(f"RCPT TO:<{address}>" for address in self._addresses), "DATA"]
        client.command("LHLO client.test")
        for _ in range(messages):
            client.send("".join(f"{command}\r\n" for command in commands).encode())
            replies = client.replies(len(commands))
            client.send(self._message)
            replies += client.replies(len(self._addresses))
            bad = [str(reply) for reply in replies if reply.code not in (250, 354)]
            assert not bad, bad
        client.command("QUIT")
