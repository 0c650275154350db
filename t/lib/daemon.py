"""A server that a test runs.

    server = Daemon(scratch, ['postfix', 'start-fg'])
    server.wait_for('daemon started')       # a line of its log (standard error and output)
    server.log                              # the lines so far
    server.stop()                           # SIGTERM; returns its exit code

The server leads a process group, which the guard of the scratch folder ends if the test dies.
"""
import os
import re
import signal
import subprocess
import threading
import time

import tap

DEADLINE = 60  # seconds that a test waits for an event, by default


class Daemon:
    """One server, which may be restarted after it has ended."""

    def __init__(self, scratch, command, start=True, environment=None, ready=None):
        """environment: variables in addition to those of the test. ready: a pattern in the log that
        shows that the server is ready."""
        self.scratch = scratch
        self.ready = ready
        self.command = command
        self.environment = environment or {}
        self.log = []
        self._ended_log = None  # the standard output whose end was read
        self._news = threading.Condition()
        self._reader = None
        self.process = None
        if start:
            self.start()

    def start(self):
        """Starts it, and waits until it logs that it is ready. Further log lines are appended to
        `log`."""
        begin = len(self.log)
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True,
                                        env={**os.environ, **self.environment})
        self.scratch.guard(self.process.pid)
        # Read continuously: a server blocks if its log is not read.
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
        """Waits until `count` lines of the log, starting with number `since`, match; returns the
        last one."""
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
                # Children of a killed server may keep its log open until the next one starts.
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
        """Kills it and its process group, like a power cut."""
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
