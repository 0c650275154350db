"""Runs handoffctl on the daemon of a test.

    done = ctl(daemon, 'reload')           # done.returncode, done.stdout, done.stderr (text)
    status(daemon)['pool']['idle']         # the output of `handoffctl status --json`
    workers(daemon)                        # their process ids
    until(lambda: status(daemon)['pool']['commit'] == 2, 'two workers commit')
"""
import json
import subprocess
import time

from handoffd import program

DEADLINE = 20  # seconds


def ctl(daemon, *arguments, deadline=60):
    return subprocess.run([program("HANDOFFCTL"), "-c", daemon.path, *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=deadline, check=False)


def status(daemon):
    done = ctl(daemon, "status", "--json")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def workers(daemon):
    """Returns the process ids of the workers; the master also has other children."""
    return [each["pid"] for each in status(daemon)["workers"]]


def until(holds, what, deadline=DEADLINE):
    """Waits until holds() is true. Use this only for events that have neither a log line nor a
    descriptor to wait for."""
    end = time.monotonic() + deadline
    while not (result := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline} s: {what}")
        time.sleep(0.02)  # between two checks; nothing depends on its length
    return result
