"""A server that a test runs: its log, its readiness, its end.

    server = Daemon(scratch, ['postfix', 'start-fg'])
    server.wait_for('daemon started')       # a line of its log (standard error and output)
    server.log                              # the lines so far
    server.stop()                           # SIGTERM; returns its exit code

It leads a process group of its own, which the scratch folder's guard ends when the test dies.
"""
import os
import re
import signal
import subprocess
import threading
import time

import tap

DEADLINE = 60  # seconds within which what a test waits for has happened, unless it says otherwise


class Daemon:
    """One server; it may be started again when it has ended."""

    def __init__(self, scratch, command, start=True, environment=None, ready=None):
        """environment: variables beside those of the test. ready: what it logs when it serves."""
        self.scratch = scratch
        self.ready = ready
        self.command = command
        self.environment = environment or {}
        self.log = []
        self._ended_log = None  # the standard output that has ended
        self._news = threading.Condition()
        self._reader = None
        self.process = None
        if start:
            self.start()

    def start(self):
        """Starts it, and waits until it says that it is ready; what it logs from now on follows in
        `log`."""
        begin = len(self.log)
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True,
                                        env={**os.environ, **self.environment})
        self.scratch.guard(self.process.pid)
        # Read all the time: a server whose log nobody reads would come to a halt.
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        if self.ready:
            self.wait_for(self.ready, begin)

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_for(self, pattern, since=0, count=1, deadline=DEADLINE):
        """Waits until `count` lines of the log, from number `since` on, match; returns the last of
        them."""
        end = time.monotonic() + deadline
        with self._news:
            while True:
                for line in self.log[since:]:
                    if re.search(pattern, line):
                        count -= 1
                        if count == 0:
                            return line
                since = len(self.log)
                last = "\n".join([f"{pattern!r} after:", *self.log[-20:]])
                # Children of one that was killed may keep its log open until the next begins.
                if self._ended_log is self.process.stdout:
                    raise RuntimeError(f"{self.command[0]} ended and had not logged {last}")
                if not self._news.wait(end - time.monotonic()):
                    raise TimeoutError(f"{self.command[0]} did not log {last}")

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, deadline=DEADLINE):
        """Waits for its end; returns its exit code (negative: killed by that signal)."""
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            tap.diag(f"{self.command[0]} does not end; killing it. Its log ended:")
            tap.diag("\n".join(self.log[-20:]))
            os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
        self._reader.join(deadline)
        self.scratch.release(self.process.pid)
        return code

    def kill(self):
        """Ends it and what it has started in its group, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it by SIGTERM if it runs; returns its exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait()

    def _read(self, stream):
        for line in stream:
            with self._news:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            if stream is self.process.stdout:
                self._ended_log = stream
            self._news.notify_all()
